"""What `task apply` does with one document: look the task up by name, then create, update, or leave it alone."""
