"""The local cloud: runs a SAM template on this machine. It knows the template, AWS's API and `settings.yaml`, and no product."""
