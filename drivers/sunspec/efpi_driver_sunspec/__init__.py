"""SunSpec inverters, batteries and meters over Modbus TCP and RTU."""
