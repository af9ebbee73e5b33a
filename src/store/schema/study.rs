//! The tables of studies.

use diesel::table;

table! {
    dicom_study (no) {
        no -> BigInt,
        tenant -> Text,
        study_uid -> Text,
        patient_id -> Text,
        issuer -> Text,
        patient_name -> Text,
        patient_ideographic -> Text,
        patient_phonetic -> Text,
        patient_words -> Text,
        birth_date -> Text,
        sex -> Text,
        study_date -> Text,
        study_time -> Text,
        accession -> Text,
        study_id -> Text,
        description -> Text,
        referring_name -> Text,
        referring_ideographic -> Text,
        referring_phonetic -> Text,
        referring_words -> Text,
        series -> BigInt,
        instances -> BigInt,
        created_at -> BigInt,
        changed_at -> BigInt,
        attributes -> Binary,
    }
}

table! {
    dicom_series (no) {
        no -> BigInt,
        tenant -> Text,
        study_no -> BigInt,
        series_uid -> Text,
        modality -> Text,
        number -> BigInt,
        description -> Text,
        body_part -> Text,
        institution -> Text,
        step_date -> Text,
        step_time -> Text,
        instances -> BigInt,
        created_at -> BigInt,
        attributes -> Binary,
    }
}

table! {
    dicom_request (series_no, step_id, procedure_id) {
        series_no -> BigInt,
        step_id -> Text,
        procedure_id -> Text,
    }
}

table! {
    dicom_instance (no) {
        no -> BigInt,
        tenant -> Text,
        series_no -> BigInt,
        instance_uid -> Text,
        class_uid -> Text,
        number -> BigInt,
        transfer_syntax -> Text,
        digest -> Text,
        size -> BigInt,
        data_set_digest -> Text,
        data_set_offset -> BigInt,
        pixel_data_offset -> BigInt,
        frames -> BigInt,
        pixel_rows -> BigInt,
        pixel_columns -> BigInt,
        flaws -> Text,
        received_at -> BigInt,
        metadata -> Binary,
    }
}

table! {
    dicom_file (instance_no) {
        instance_no -> BigInt,
        body -> Binary,
    }
}

table! {
    dicom_replaced (tenant, instance_uid, digest) {
        tenant -> Text,
        instance_uid -> Text,
        digest -> Text,
        data_set_digest -> Text,
        size -> BigInt,
        transfer_syntax -> Text,
        received_at -> BigInt,
        replaced_at -> BigInt,
    }
}

table! {
    dicom_replaced_file (tenant, instance_uid, digest) {
        tenant -> Text,
        instance_uid -> Text,
        digest -> Text,
        body -> Binary,
    }
}

table! {
    archive_feed (tenant) {
        tenant -> Text,
        peer -> Text,
        seq -> BigInt,
        anchor -> Text,
        origin -> Text,
        is_anew -> Bool,
        reached_at -> BigInt,
        compared -> Text,
    }
}

table! {
    archive_note (tenant, remote_id) {
        tenant -> Text,
        remote_id -> Text,
        kind -> Text,
        instance_uid -> Text,
        reason -> Text,
        noted_at -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(dicom_study, dicom_series, dicom_instance);
