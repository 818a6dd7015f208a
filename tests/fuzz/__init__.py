"""Every decoder of foreign bytes, fed with noise and with damaged copies of what it accepts; see `table`."""
