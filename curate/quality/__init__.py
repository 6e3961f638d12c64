"""Quality: how sound a text looks, against what texts by people of the same language look like."""
