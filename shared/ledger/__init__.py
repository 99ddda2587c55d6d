"""The tamper-evident log: tree hashing, signed notes, segments, the root log and their verification. Pure."""
