drop table blob_ref;
drop table blob;
