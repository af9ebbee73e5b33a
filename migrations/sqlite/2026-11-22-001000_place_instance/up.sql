-- where the file of an instance is: 'here', 'outgoing' (here, on its way to the archive behind), 'both', 'there',
-- 'refused' (here; the archive behind would not have it); and its id in the archive behind
alter table dicom_instance add column place text not null default 'here'
  check (place in ('here', 'outgoing', 'both', 'there', 'refused'));
alter table dicom_instance add column remote_id text not null default '';

create index dicom_instance_by_remote_id on dicom_instance (tenant, remote_id) where remote_id <> '';
create index dicom_instance_outgoing on dicom_instance (tenant, no) where place = 'outgoing';

-- how far the changes of the archive behind a tenant are known
create table archive_feed (
  tenant text not null primary key references tenant (tenant),
  peer text not null,
  seq bigint not null,
  anchor text not null,
  origin text not null,
  is_anew boolean not null,
  reached_at bigint not null,
  compared text not null
);

-- what is known of instances of the archive behind that are not among ours: 'deletion' is still to be done there,
-- 'refusal' cannot be indexed
create table archive_note (
  tenant text not null references tenant (tenant),
  remote_id text not null,
  kind text not null check (kind in ('deletion', 'refusal')),
  instance_uid text not null,
  reason text not null,
  noted_at bigint not null,
  primary key (tenant, remote_id)
);

create index archive_note_by_kind on archive_note (tenant, kind, noted_at);
