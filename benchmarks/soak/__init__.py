"""A day of the real daemon on a chain whose time is quickened: does its memory grow?"""
