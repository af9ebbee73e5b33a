delete from blob_ref where owner_kind in ('instance', 'instance.replaced');
drop table dicom_replaced;
drop table dicom_instance;
drop table dicom_request;
drop table dicom_series;
drop table dicom_study;
