delete from sqlite_stat1 where tbl = 'dicom_study';
