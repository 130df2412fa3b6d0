"""What a device is while one control type is selected: what it told, and what that makes of the appliance here."""
