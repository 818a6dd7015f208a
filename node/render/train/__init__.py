"""How the model is made: the artwork generator, the two trainings, the export."""
