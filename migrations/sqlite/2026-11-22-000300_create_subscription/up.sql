-- there is one writer: the order of seq is the order of commits
alter table change add column xid bigint not null default 0;

-- how far the changes of a tenant were matched against its subscriptions
create table feed (
  tenant text not null references tenant (tenant),
  xid bigint not null,
  seq bigint not null,
  reached bigint not null,
  floor bigint not null,
  primary key (tenant)
);

-- what runs behind a Subscription: its counters, its worker, and sealed: whose rights it has, the headers that it sends
create table subscription (
  tenant text not null references tenant (tenant),
  id text not null,
  version_id integer not null,
  state text not null check (state in ('requested', 'active', 'error', 'off')),
  channel text not null check (channel in ('rest-hook', 'websocket')),
  settings blob not null,
  events bigint not null,
  delivered bigint not null,
  begun text not null,
  job text,
  sent_at bigint,
  due_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant, id)
);

create index subscription_by_due on subscription (due_at) where due_at is not null;

-- one version of a resource that a subscription is told of, by a number without gaps
create table subscription_event (
  tenant text not null references tenant (tenant),
  subscription text not null,
  number bigint not null,
  resource_type text not null,
  logical_id text not null,
  version_id integer not null,
  interaction text not null check (interaction in ('create', 'update', 'delete')),
  happened_at bigint not null,
  primary key (tenant, subscription, number)
);

create index subscription_event_by_time on subscription_event (tenant, happened_at);
