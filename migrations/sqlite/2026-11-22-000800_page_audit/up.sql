-- the log is read by time, and what is not in the chain yet is found without looking at all of it
create index audit_event_recorded on audit_event (tenant, recorded_at, id);

create table audit_unsealed (
  tenant text not null references tenant (tenant),
  recorded_at bigint not null,
  event_id text not null,
  primary key (tenant, recorded_at, event_id)
);
insert into audit_unsealed (tenant, recorded_at, event_id)
  select e.tenant, e.recorded_at, e.id from audit_event e
  where not exists (select 1 from audit_seal s where s.tenant = e.tenant and s.event_id = e.id);
