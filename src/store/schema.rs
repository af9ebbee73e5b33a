//! The tables as diesel knows them; kept by hand, and compared with both migration trees by a test.

use diesel::table;

pub(super) mod study;

table! {
    tenant (name) {
        #[sql_name = "tenant"]
        name -> Text,
        created_at -> BigInt,
    }
}

table! {
    tenant_key (tenant, key_id) {
        tenant -> Text,
        key_id -> Text,
        purpose -> Text,
        wrapped -> Binary,
        created_at -> BigInt,
        retired_at -> Nullable<BigInt>,
    }
}

table! {
    tenant_setting (tenant, name) {
        tenant -> Text,
        name -> Text,
        value -> Binary,
        version_id -> Integer,
        updated_at -> BigInt,
    }
}

table! {
    resource (tenant, resource_type, logical_id) {
        no -> BigInt,
        tenant -> Text,
        resource_type -> Text,
        logical_id -> Text,
        version_id -> Integer,
        last_updated -> BigInt,
        deleted -> Bool,
        body -> Binary,
    }
}

table! {
    resource_history (tenant, resource_type, logical_id, version_id) {
        tenant -> Text,
        resource_type -> Text,
        logical_id -> Text,
        version_id -> Integer,
        last_updated -> BigInt,
        deleted -> Bool,
        body -> Binary,
    }
}

table! {
    change (seq) {
        seq -> BigInt,
        tenant -> Text,
        resource_type -> Text,
        logical_id -> Text,
        version_id -> Integer,
        interaction -> Text,
        changed_at -> BigInt,
    }
}

table! {
    idx_token (tenant, resource_type, param, value, system, logical_id) {
        tenant -> Text,
        resource_type -> Text,
        param -> Text,
        value -> Text,
        system -> Text,
        logical_id -> Text,
    }
}

table! {
    idx_date (tenant, resource_type, param, from_us, until_us, logical_id) {
        tenant -> Text,
        resource_type -> Text,
        param -> Text,
        from_us -> BigInt,
        until_us -> BigInt,
        logical_id -> Text,
    }
}

table! {
    idx_reference (tenant, resource_type, param, target_id, target_type, logical_id) {
        tenant -> Text,
        resource_type -> Text,
        param -> Text,
        target_type -> Text,
        target_id -> Text,
        logical_id -> Text,
    }
}

table! {
    search_key (no) {
        no -> BigInt,
        tenant -> Text,
        resource_type -> Text,
        param -> Text,
    }
}

table! {
    search_system (no) {
        no -> BigInt,
        tenant -> Text,
        uri -> Text,
    }
}

table! {
    search_token (key, code, resource_no, system) {
        key -> BigInt,
        code -> Text,
        resource_no -> BigInt,
        system -> BigInt,
    }
}

table! {
    search_string (key, folded, exact, resource_no) {
        key -> BigInt,
        folded -> Text,
        exact -> Text,
        resource_no -> BigInt,
    }
}

table! {
    search_reference (key, target_id, resource_no, target_type, version) {
        key -> BigInt,
        target_id -> Text,
        resource_no -> BigInt,
        target_type -> Text,
        version -> Text,
    }
}

table! {
    search_uri (key, uri, version, resource_no) {
        key -> BigInt,
        uri -> Text,
        version -> Text,
        resource_no -> BigInt,
    }
}

table! {
    search_date (key, resource_no, from_us, until_us) {
        key -> BigInt,
        resource_no -> BigInt,
        from_us -> BigInt,
        until_us -> BigInt,
    }
}

table! {
    search_number (key, low, high, resource_no) {
        key -> BigInt,
        low -> Double,
        high -> Double,
        resource_no -> BigInt,
    }
}

table! {
    search_quantity (key, code, low, high, system, unit, resource_no) {
        key -> BigInt,
        code -> Text,
        low -> Double,
        high -> Double,
        system -> BigInt,
        unit -> Text,
        resource_no -> BigInt,
    }
}

table! {
    search_composite (key, text1, text2, low1, high1, low2, high2, system1, system2, unit, resource_no) {
        key -> BigInt,
        text1 -> Text,
        system1 -> BigInt,
        text2 -> Text,
        system2 -> BigInt,
        unit -> Text,
        low1 -> Double,
        high1 -> Double,
        low2 -> Double,
        high2 -> Double,
        resource_no -> BigInt,
    }
}

table! {
    search_dated (key, code, from_us, resource_no, until_us, system) {
        key -> BigInt,
        code -> Text,
        from_us -> BigInt,
        resource_no -> BigInt,
        until_us -> BigInt,
        system -> BigInt,
    }
}

table! {
    search_state (tenant) {
        tenant -> Text,
        generation -> Integer,
    }
}

table! {
    search_catalog (tenant) {
        tenant -> Text,
        names -> BigInt,
        number -> BigInt,
    }
}

table! {
    search_parameter (tenant, generation) {
        tenant -> Text,
        generation -> BigInt,
        logical_id -> Text,
        definition -> Text,
        state -> Text,
    }
}

table! {
    search_base (tenant, base) {
        tenant -> Text,
        base -> Text,
    }
}

table! {
    job (id) {
        id -> Text,
        tenant -> Text,
        kind -> Text,
        lane -> Text,
        payload -> Text,
        state -> Text,
        priority -> Integer,
        run_at -> BigInt,
        attempts -> Integer,
        max_attempts -> Integer,
        losses -> BigInt,
        lease_owner -> Nullable<Text>,
        lease_until -> Nullable<BigInt>,
        fence -> BigInt,
        cancel_requested -> Bool,
        checkpoint -> Nullable<Text>,
        progress -> Integer,
        dedup_key -> Nullable<Text>,
        parent_id -> Nullable<Text>,
        principal -> Text,
        trace_id -> Nullable<Text>,
        error -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

table! {
    schedule (tenant, id) {
        tenant -> Text,
        id -> Text,
        kind -> Text,
        every_us -> BigInt,
        next_fire_at -> BigInt,
    }
}

table! {
    audit_event (tenant, id) {
        tenant -> Text,
        id -> Text,
        recorded_at -> BigInt,
        body -> Binary,
    }
}

table! {
    audit_unsealed (tenant, recorded_at, event_id) {
        tenant -> Text,
        recorded_at -> BigInt,
        event_id -> Text,
    }
}

table! {
    audit_seal (tenant, seq) {
        tenant -> Text,
        seq -> BigInt,
        event_id -> Text,
        prev_hash -> Text,
        hash -> Text,
        mac -> Text,
    }
}

table! {
    audit_checkpoint (tenant, seq) {
        tenant -> Text,
        seq -> BigInt,
        hash -> Text,
        made_at -> BigInt,
        signature -> Text,
    }
}

table! {
    blob (tenant, digest) {
        tenant -> Text,
        digest -> Text,
        size -> BigInt,
        created_at -> BigInt,
    }
}

table! {
    blob_ref (tenant, digest, owner_kind, owner_id) {
        tenant -> Text,
        digest -> Text,
        owner_kind -> Text,
        owner_id -> Text,
    }
}

table! {
    report_evidence (tenant, report, version_id) {
        tenant -> Text,
        report -> Text,
        version_id -> Integer,
        digest -> Text,
        created_at -> BigInt,
    }
}

table! {
    rendition (tenant, report, version_id, twin) {
        tenant -> Text,
        report -> Text,
        version_id -> Integer,
        twin -> Text,
        digest -> Text,
        sha256 -> Text,
        size -> BigInt,
        sop_class_uid -> Nullable<Text>,
        sop_instance_uid -> Nullable<Text>,
        losses -> Text,
        created_at -> BigInt,
    }
}

table! {
    export_session (tenant, id) {
        tenant -> Text,
        id -> Text,
        report -> Text,
        version_id -> Integer,
        twin -> Text,
        status -> Text,
        progress -> Integer,
        requested_by -> Text,
        recipient -> Nullable<Binary>,
        purpose -> Nullable<Binary>,
        error -> Nullable<Text>,
        attempts -> Integer,
        downloads -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
        finished_at -> Nullable<BigInt>,
        expires_at -> Nullable<BigInt>,
    }
}

table! {
    peer (tenant, name) {
        tenant -> Text,
        name -> Text,
        kind -> Text,
        settings -> Binary,
        version_id -> Integer,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

table! {
    delivery (tenant, id) {
        tenant -> Text,
        id -> Text,
        report -> Text,
        version_id -> Integer,
        twin -> Text,
        peer -> Text,
        state -> Text,
        attempts -> Integer,
        claimed_by -> Nullable<Text>,
        sop_instance_uid -> Nullable<Text>,
        answer -> Nullable<Text>,
        next_attempt_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
        finished_at -> Nullable<BigInt>,
    }
}

table! {
    revoked_token (tenant, token_id) {
        tenant -> Text,
        token_id -> Text,
        revoked_at -> BigInt,
        expires_at -> BigInt,
    }
}

table! {
    one_time_secret (tenant, digest) {
        tenant -> Text,
        digest -> Text,
        purpose -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        used_at -> Nullable<BigInt>,
    }
}

table! {
    feed (tenant) {
        tenant -> Text,
        xid -> BigInt,
        seq -> BigInt,
        reached -> BigInt,
        floor -> BigInt,
    }
}

table! {
    subscription (tenant, id) {
        tenant -> Text,
        id -> Text,
        version_id -> Integer,
        state -> Text,
        channel -> Text,
        settings -> Binary,
        events -> BigInt,
        delivered -> BigInt,
        begun -> Text,
        job -> Nullable<Text>,
        sent_at -> Nullable<BigInt>,
        due_at -> Nullable<BigInt>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

table! {
    subscription_event (tenant, subscription, number) {
        tenant -> Text,
        subscription -> Text,
        number -> BigInt,
        resource_type -> Text,
        logical_id -> Text,
        version_id -> Integer,
        interaction -> Text,
        happened_at -> BigInt,
    }
}

table! {
    fhir_package (tenant, name, version) {
        tenant -> Text,
        name -> Text,
        version -> Text,
        canonical -> Text,
        title -> Text,
        digest -> Text,
        added_at -> BigInt,
    }
}

table! {
    fhir_definition (tenant, package, package_version, resource_type, url, version) {
        tenant -> Text,
        package -> Text,
        package_version -> Text,
        resource_type -> Text,
        url -> Text,
        version -> Text,
        constrains -> Text,
        size -> BigInt,
        body -> Binary,
    }
}

table! {
    validation_state (tenant) {
        tenant -> Text,
        generation -> BigInt,
        policy -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(resource, idx_token, idx_date, idx_reference);
diesel::allow_tables_to_appear_in_same_query!(tenant, search_catalog);
diesel::allow_tables_to_appear_in_same_query!(audit_event, audit_seal, audit_unsealed);
diesel::allow_tables_to_appear_in_same_query!(blob, blob_ref);
