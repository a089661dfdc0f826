"""The snapshot store from the batch's side: a connection for publishing, a server for one command."""
