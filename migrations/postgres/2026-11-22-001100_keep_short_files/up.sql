-- files of instances that are short; sealed, and committed with the row of the instance
create table dicom_file (
  instance_no bigint primary key references dicom_instance (no),
  body bytea not null
);

-- those of instances that others have taken the place of
create table dicom_replaced_file (
  tenant text not null references tenant (tenant),
  instance_uid text not null,
  digest text not null,
  body bytea not null,
  primary key (tenant, instance_uid, digest)
);

-- what is sealed does not become shorter
alter table dicom_file alter column body set storage external;
alter table dicom_replaced_file alter column body set storage external;
