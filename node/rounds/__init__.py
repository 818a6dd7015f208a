"""From agreed inputs to a landed report: drives the agreement machine, sends its reports, watches what lands."""
