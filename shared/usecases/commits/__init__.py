"""Group commit: records into the writer's log, exactly once, before their answers leave."""
