"""What `patina check` looks at: one module for each subject, run side by side, none of them able to hide another."""
