-- The role with which Grafana reads the business tables of the customer success board: three views and nothing else.
-- Run it once as a superuser in Plimsoll's database after the first start, again after an upgrade, then give the role a
-- password (\password plimsoll_board) and put that into the PostgreSQL data source of deploy/grafana.
do $$ begin
  if not exists (select from pg_roles where rolname = 'plimsoll_board') then
    create role plimsoll_board login;
  end if;
end $$;
alter role plimsoll_board set default_transaction_read_only = on;
-- A panel somebody leaves open must not hold up those who write.
alter role plimsoll_board set statement_timeout = '10s';
alter role plimsoll_board set search_path = reporting;
grant usage on schema reporting to plimsoll_board;
grant select on reporting.board_account, reporting.board_action, reporting.board_event to plimsoll_board;
