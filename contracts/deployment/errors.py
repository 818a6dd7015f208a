# SPDX-License-Identifier: AGPL-3.0-only
"""The one error with which a deployment ends."""

import click


class DeploymentError(click.ClickException):
    """A deployment that cannot go on as asked; nothing was sent for the step that it names."""
