"""What must hold in every run, checked at every step that could break it."""
