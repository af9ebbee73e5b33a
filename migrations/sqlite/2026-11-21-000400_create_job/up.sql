create table job (
  id text not null primary key,
  tenant text not null references tenant (tenant),
  kind text not null,
  lane text not null,
  payload text not null,
  state text not null check (state in ('pending', 'in_progress', 'completed', 'failed', 'cancelled')),
  priority integer not null,
  run_at bigint not null,
  attempts integer not null,
  max_attempts integer not null,
  losses bigint not null,
  lease_owner text,
  lease_until bigint,
  fence bigint not null,
  cancel_requested boolean not null,
  checkpoint text,
  progress integer not null,
  dedup_key text,
  parent_id text,
  principal text not null,
  trace_id text,
  error text,
  created_at bigint not null,
  updated_at bigint not null,
  finished_at bigint
);

create index job_to_claim on job (lane, priority, run_at, id) where state = 'pending';
create index job_by_lease on job (lease_until) where state = 'in_progress';
create unique index job_by_dedup_key on job (tenant, dedup_key) where dedup_key is not null and state in ('pending', 'in_progress');
create index job_by_time on job (tenant, created_at, id);
create index job_by_end on job (finished_at) where finished_at is not null;

-- a schedule fires by inserting a job
create table schedule (
  tenant text not null references tenant (tenant),
  id text not null,
  kind text not null,
  every_us bigint not null,
  next_fire_at bigint not null,
  primary key (tenant, id)
);
