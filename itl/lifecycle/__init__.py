"""The life of a transaction as pure decisions: an event and where it stands give what becomes of it."""
