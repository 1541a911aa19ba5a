# A test against a real PostgreSQL: the server of the machine's own system runs beside the steps, in the same guest.
{
  defaults.timeout = "10m";
  guests.default = {
    base = "host";
    vcpu = 1;
    memory = "1G";
  };

  jobs.test = {
    description = "A schema and a query in a new database";
    env = {
      PGDATA = "/var/job/data";
      PGHOST = "/tmp";
      PGDATABASE = "postgres";
    };
    services.db = {
      command = [
        "sh"
        "server.sh"
      ];
      ready = ''
        . ./programs.sh
        pg_isready --quiet
      '';
      timeout = "5m";
    };
    steps = [
      {
        name = "schema";
        command = ''
          . ./programs.sh
          psql --set ON_ERROR_STOP=1 --file schema.sql
        '';
      }
      {
        name = "query";
        command = ''
          . ./programs.sh
          [ "$(psql -At -c "select sum(price) from books")" = 30 ]
          echo "three books cost 30"
        '';
      }
    ];
  };
}
