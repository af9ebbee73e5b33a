-- written with what it tells of; sealed into the tenant's hash chain by a job; neither is ever changed
create table audit_event (
  tenant text not null references tenant (tenant),
  id text not null,
  recorded_at bigint not null,
  body bytea not null,
  primary key (tenant, id)
);

create table audit_seal (
  tenant text not null references tenant (tenant),
  seq bigint not null,
  event_id text not null,
  prev_hash text not null,
  hash text not null,
  mac text not null,
  primary key (tenant, seq),
  unique (tenant, event_id)
);

create table audit_checkpoint (
  tenant text not null references tenant (tenant),
  seq bigint not null,
  hash text not null,
  made_at bigint not null,
  signature text not null,
  primary key (tenant, seq)
);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  raise exception 'audit rows are never changed';
end
$$;

create trigger audit_event_is_kept before update or delete or truncate on audit_event
  for each statement execute function refuse_audit_change();
create trigger audit_seal_is_kept before update or delete or truncate on audit_seal
  for each statement execute function refuse_audit_change();
create trigger audit_checkpoint_is_kept before update or delete or truncate on audit_checkpoint
  for each statement execute function refuse_audit_change();
