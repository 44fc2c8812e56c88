"""The command `postroad`: definitions as files in a folder, kept in step with a stack over its JSON API."""
