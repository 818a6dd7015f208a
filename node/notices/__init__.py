"""Tells the operator what happens, in mail, chat or push: troubles that begin and end, crossings that landed."""
