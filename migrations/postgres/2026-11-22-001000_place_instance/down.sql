drop table archive_note;
drop table archive_feed;
drop index dicom_instance_outgoing;
drop index dicom_instance_by_remote_id;
alter table dicom_instance drop column remote_id;
alter table dicom_instance drop column place;
