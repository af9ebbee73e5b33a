//! The coded concepts of the samples: SNOMED CT body structures and findings (PS3.16 CIDs 4, 6102, 6104,
//! 7470 and their neighbours), and DICOM's own terms.

use crate::report::Concept;
use crate::report::codes::systems;

/// A coded concept in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    system: &'static str,
    code: &'static str,
    display: &'static str,
}

impl Term {
    /// The concept as a report holds it.
    pub(super) fn concept(self) -> Concept {
        Concept { system: self.system.to_owned(), code: self.code.to_owned(), display: self.display.to_owned() }
    }
}

const fn sct(code: &'static str, display: &'static str) -> Term {
    Term { system: systems::SNOMED, code, display }
}

const fn dcm(code: &'static str, display: &'static str) -> Term {
    Term { system: systems::DCM, code, display }
}

macro_rules! terms {
    ($make:ident: $($name:ident = $code:literal $display:literal;)*) => {
        $(pub(super) const $name: Term = $make($code, $display);)*
    };
}

// Body sites.
terms! { sct:
    THORAX = "51185008" "Thoracic structure";
    HEAD = "69536005" "Head structure";
    BRAIN = "12738006" "Brain structure";
    ABDOMEN = "818981001" "Abdomen";
    ABDOMEN_AND_PELVIS = "416949008" "Abdomen and/or pelvis structure";
    LUMBAR_SPINE = "122496007" "Lumbar spine structure";
    KNEE = "72696002" "Knee region structure";
    THYROID = "69748006" "Thyroid structure";
    BREAST = "76752008" "Breast structure";
    LUNG = "39607008" "Lung structure";
    UPPER_LOBE = "45653009" "Structure of upper lobe of lung";
    MIDDLE_LOBE = "72481006" "Structure of middle lobe of right lung";
    LOWER_LOBE = "90572001" "Structure of lower lobe of lung";
    LYMPH_NODE = "59441001" "Structure of lymph node";
    AXILLARY_NODE = "68171009" "Axillary lymph node";
    AORTA = "15825003" "Aortic structure";
    INFRARENAL_AORTA = "28205006" "Infra-renal Aorta";
    LIVER = "10200004" "Liver structure";
    LIVER_IV = "277958008" "Couinaud hepatic segment IV";
    LIVER_V = "277959000" "Couinaud hepatic segment V";
    LIVER_VII = "277961009" "Couinaud hepatic segment VII";
    LIVER_VIII = "277962002" "Couinaud hepatic segment VIII";
    GALLBLADDER = "28231008" "Gallbladder structure";
    KIDNEY = "64033007" "Kidney structure";
    ADRENAL = "23451007" "Adrenal structure";
    SPLEEN = "78961009" "Splenic structure";
    FRONTAL_LOBE = "83251001" "Frontal lobe";
    PARIETAL_LOBE = "16630005" "Parietal lobe";
    TEMPORAL_LOBE = "78277001" "Temporal lobe";
    OCCIPITAL_LOBE = "31065004" "Occipital lobe";
    HIPPOCAMPUS = "5366008" "Hippocampus";
    LATERAL_VENTRICLE = "66720007" "Lateral Ventricle";
    DISC_L3_L4 = "62551000" "L3/L4 disc";
    DISC_L4_L5 = "84020006" "L4/L5 disc";
    DISC_L5_S1 = "715056000" "L5/S1 disc";
    MENISCUS = "74135004" "Meniscus";
    THYROID_LEFT = "79163004" "Left lobe of thyroid";
    THYROID_RIGHT = "29565003" "Right lobe of thyroid";
    HEART = "80891009" "Heart structure";
}

// Findings.
terms! { sct:
    NODULE = "27925004" "Nodule";
    MASS = "4147007" "Mass";
    CYST = "367643001" "Cyst";
    LESION = "52988006" "Lesion";
    PLEURAL_EFFUSION = "60046008" "Pleural effusion";
    PNEUMOTHORAX = "36118008" "Pneumothorax";
    PULMONARY_EMBOLISM = "59282003" "Pulmonary embolism";
    AORTIC_ANEURYSM = "233985008" "Abdominal aortic aneurysm";
    FATTY_LIVER = "197321007" "Steatosis of liver";
    INTRACRANIAL_HEMORRHAGE = "1386000" "Intracranial hemorrhage";
    CEREBRAL_INFARCTION = "432504007" "Cerebral infarction";
    CARDIOMEGALY = "8186001" "Cardiomegaly";
    HYDRONEPHROSIS = "43064006" "Hydronephrosis";
    THYROID_NODULE = "237495005" "Thyroid nodule";
    BREAST_MASS = "129788004" "Mammographic breast mass";
    CALCIFICATION_CLUSTER = "129769006" "Calcification Cluster";
}

terms! { dcm:
    GROUND_GLASS = "112120" "Ground glass opacity";
    OPACITY = "112001" "Opacity";
}

// Quantities.
terms! { sct:
    LONG_AXIS = "103339001" "Long axis";
    SHORT_AXIS = "103340004" "Short axis";
    DIAMETER = "81827009" "Diameter";
    LENGTH = "410668003" "Length";
    WIDTH = "103355008" "Width";
    DEPTH = "131197000" "Depth";
    AREA = "42798000" "Area";
    VOLUME = "118565006" "Volume";
}

terms! { dcm:
    ATTENUATION = "112031" "Attenuation Coefficient";
    DIFFUSION = "113041" "Apparent Diffusion Coefficient";
}

// Methods.
terms! { dcm:
    RECIST = "126081" "RECIST 1.1";
    ELLIPSOID = "121221" "Volume of ellipsoid";
}
