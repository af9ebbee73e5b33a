//! When the care was given that a resource speaks of: what `start` and `end` of `$everything` and `$docref` are
//! compared with. R4 patient-operation-everything.html.

/// The date parameters that say it, the best first: the next one counts where a resource has no value of it. None for
/// types that speak of no time of care; such a resource belongs to every time.
pub fn care_dates(resource_type: &str) -> &'static [&'static str] {
    match resource_type {
        "Account" => &["period"],
        "AdverseEvent"
        | "Appointment"
        | "AuditEvent"
        | "CarePlan"
        | "CareTeam"
        | "ClinicalImpression"
        | "Consent"
        | "DiagnosticReport"
        | "Encounter"
        | "EpisodeOfCare"
        | "FamilyMemberHistory"
        | "Flag"
        | "Immunization"
        | "ImmunizationEvaluation"
        | "ImmunizationRecommendation"
        | "Invoice"
        | "List"
        | "Observation"
        | "Procedure"
        | "RiskAssessment"
        | "Schedule"
        | "SupplyRequest" => &["date"],
        "ChargeItem" => &["occurrence", "entered-date"],
        "Claim"
        | "ClaimResponse"
        | "CoverageEligibilityRequest"
        | "CoverageEligibilityResponse"
        | "DocumentManifest"
        | "ExplanationOfBenefit"
        | "Media" => &["created"],
        "Communication" => &["sent", "received"],
        "CommunicationRequest" => &["occurrence", "authored"],
        "Composition" | "DocumentReference" | "MeasureReport" => &["period", "date"],
        "Condition" => &["recorded-date", "onset-date"],
        "DetectedIssue" => &["identified"],
        "DeviceRequest" => &["event-date", "authored-on"],
        "Goal" => &["start-date"],
        "ImagingStudy" => &["started"],
        "MedicationAdministration" => &["effective-time"],
        "MedicationDispense" => &["whenhandedover", "whenprepared"],
        "MedicationRequest" => &["date", "authoredon"],
        "MedicationStatement" => &["effective"],
        "NutritionOrder" => &["datetime"],
        "Provenance" => &["when", "recorded"],
        "QuestionnaireResponse" | "RequestGroup" => &["authored"],
        "ServiceRequest" => &["occurrence", "authored"],
        "Specimen" => &["collected"],
        "VisionPrescription" => &["datewritten"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::resource_type::RESOURCE_TYPES;
    use crate::fhir::search::compartment::params;
    use crate::fhir::search::{ParamType, Registry};

    #[test]
    fn every_care_date_is_a_date_of_its_type() {
        for resource_type in RESOURCE_TYPES {
            for code in care_dates(resource_type) {
                let definition = Registry::r4().get(resource_type, code);
                let definition = definition.unwrap_or_else(|| panic!("{resource_type} {code}"));
                assert_eq!(definition.param_type, ParamType::Date, "{resource_type} {code}");
                assert!(!params("Patient", resource_type).is_empty(), "{resource_type} is in no compartment");
            }
        }
    }
}
