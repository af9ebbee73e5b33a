-- files of instances that are short; sealed, and committed with the row of the instance
create table dicom_file (
  instance_no integer primary key references dicom_instance (no),
  body blob not null
);

-- those of instances that others have taken the place of
create table dicom_replaced_file (
  tenant text not null references tenant (tenant),
  instance_uid text not null,
  digest text not null,
  body blob not null,
  primary key (tenant, instance_uid, digest)
);
