"""What an audit record is: frozen types, an allow-list of fields, canonical bytes."""
