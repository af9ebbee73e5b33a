-- what is in it is nowhere else; a rollback fails while it holds files
create table dicom_file_is_not_empty (instance_no integer not null check (instance_no is null));
insert into dicom_file_is_not_empty (instance_no) select instance_no from dicom_file;
drop table dicom_file_is_not_empty;
drop table dicom_replaced_file;
drop table dicom_file;
