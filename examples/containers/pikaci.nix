# A job that runs a container: in a machine of its own, it may be root and use all that a kernel has for containers.
{
  defaults.timeout = "5m";
  guests.default = { base = "host"; vcpu = 1; memory = "1G"; };

  jobs.container = {
    description = "A container made of the machine's own busybox";
    command = [ "sh" "container.sh" ];
    runAsRoot = true;
  };
}
