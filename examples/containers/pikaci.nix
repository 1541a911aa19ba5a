# A job that runs a container: in its own machine, it may be root and use everything that containers need of a kernel.
{
  defaults.timeout = "5m";
  guests.default = { base = "host"; vcpu = 1; memory = "1G"; };

  jobs.container = {
    description = "A container made of the machine's own busybox";
    command = [ "sh" "container.sh" ];
    runAsRoot = true;
  };
}
