drop table export_session;
drop table rendition;
drop table report_evidence;
