# SPDX-License-Identifier: AGPL-3.0-only
"""What `ape run deploy` is made of: the steps of a deployment, what they are told, and the file that remembers them."""
