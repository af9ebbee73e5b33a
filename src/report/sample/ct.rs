//! Computed tomography: chest, abdomen and pelvis, head.

use super::protocol::{Lesion, Protocol, Spread, Survey, coded, left, place, plain, right};
use super::terms::{
    ABDOMEN_AND_PELVIS, ADRENAL, AORTA, AORTIC_ANEURYSM, ATTENUATION, BRAIN, CYST, DIAMETER, FRONTAL_LOBE,
    GROUND_GLASS, HEAD, HYDRONEPHROSIS, INFRARENAL_AORTA, INTRACRANIAL_HEMORRHAGE, KIDNEY, LESION, LIVER_IV, LIVER_V,
    LIVER_VII, LIVER_VIII, LONG_AXIS, LOWER_LOBE, LUNG, LYMPH_NODE, MASS, MIDDLE_LOBE, NODULE, PARIETAL_LOBE,
    PLEURAL_EFFUSION, PULMONARY_EMBOLISM, RECIST, SHORT_AXIS, TEMPORAL_LOBE, THORAX, UPPER_LOBE, VOLUME,
};

const CT_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.2";

pub(super) const CHEST: Protocol = Protocol {
    modality: "CT",
    sop_class: CT_IMAGE,
    loop_sop_class: None,
    descriptions: &["CT Chest with contrast", "CT Thorax", "CT Thorax nativ", "CT chest, follow-up"],
    site: THORAX,
    sex: None,
    histories: &[
        "Persistent cough for six weeks, 30 pack-years. Nodule on chest radiograph.",
        "Follow-up of a solid pulmonary nodule that was found incidentally.",
        "Known colorectal carcinoma. Staging of the chest.",
        "Dyspnoea and pleuritic chest pain since yesterday; D-dimer 2.4 mg/L. Pulmonary embolism?",
        "Interstitial lung disease under treatment with nintedanib. Progression?",
    ],
    techniques: &[
        "Helical acquisition from the lung apices to the adrenal glands in the portal venous phase after 80 mL of iodinated contrast (300 mg I/mL). Reconstructions of 1.0 mm in lung and soft tissue kernels, multiplanar reformats.",
        "Low-dose acquisition without contrast at full inspiration, 1 mm slices. CTDIvol 1.9 mGy, DLP 72 mGy·cm.",
        "CT pulmonary angiography with bolus tracking, 60 mL of contrast at 4 mL/s. Opacification of the pulmonary arteries is good (main trunk > 300 HU).",
    ],
    normal: &[
        &[
            "The trachea and the central bronchi are patent.",
            "Central airways are patent without endobronchial lesion.",
        ],
        &[
            "No consolidation. No interlobular septal thickening.",
            "Mild centrilobular emphysema with apical predominance. No consolidation.",
            "Minor dependent atelectasis in both lower lobes.",
        ],
        &["The heart is not enlarged. No pericardial effusion.", "Heart size is normal; mild coronary calcification."],
        &[
            "The thoracic aorta is of normal calibre with mild calcified plaque.",
            "The great vessels are of normal calibre.",
        ],
        &["No enlarged axillary lymph nodes.", "Axillary and supraclavicular stations are unremarkable."],
        &["No pneumothorax.", "The pleura is smooth."],
        &["The imaged upper abdomen is unremarkable.", "Small hiatus hernia. Otherwise unremarkable upper abdomen."],
        &[
            "No suspicious osseous lesion. Degenerative changes of the thoracic spine.",
            "Old healed fracture of the right seventh rib. No destructive bone lesion.",
        ],
    ],
    normal_women: &["The imaged breast tissue is unremarkable for CT."],
    normal_men: &["Mild bilateral gynaecomastia."],
    lesions: &[
        Lesion {
            code: Some(NODULE),
            noun: "solid nodule",
            places: &[
                right("right upper lobe", UPPER_LOBE),
                left("left upper lobe", UPPER_LOBE),
                right("middle lobe", MIDDLE_LOBE),
                right("right lower lobe", LOWER_LOBE),
                left("left lower lobe", LOWER_LOBE),
            ],
            sentences: &[
                "In the {place} there is a solid nodule of {size} with smooth margins.",
                "Spiculated solid nodule in the {place}, {size}, with a pleural tag.",
                "A lobulated solid nodule in the {place} measures {size}; no calcification, no fat.",
            ],
            impressions: &[
                "Solid nodule in the {place}, {size}.",
                "Suspicious solid nodule of the {place} ({size}); tissue diagnosis or PET-CT is advised.",
            ],
            quantities: &[
                coded(LONG_AXIS, "long axis", "mm", 1, Spread::Between(42, 290)),
                coded(SHORT_AXIS, "short axis", "mm", 1, Spread::OfFirst(55, 97)),
                coded(VOLUME, "volume", "mm3", 1, Spread::Ellipsoid),
                coded(ATTENUATION, "mean attenuation", "[hnsf'U]", 0, Spread::Between(8, 96)),
            ],
            excludes: &[],
            critical: false,
            graded: false,
        },
        Lesion {
            code: Some(GROUND_GLASS),
            noun: "ground glass opacity",
            places: &[
                right("right upper lobe", UPPER_LOBE),
                left("left upper lobe", UPPER_LOBE),
                right("right lower lobe", LOWER_LOBE),
            ],
            sentences: &[
                "Ill-defined ground glass opacity in the {place}, {size}, without a solid component.",
                "A part-solid ground glass opacity of {size} is seen in the {place}.",
            ],
            impressions: &["Ground glass opacity in the {place}, {size}; follow-up by guideline."],
            quantities: &[
                coded(LONG_AXIS, "long axis", "mm", 1, Spread::Between(60, 340)),
                coded(SHORT_AXIS, "short axis", "mm", 1, Spread::OfFirst(60, 95)),
                coded(ATTENUATION, "mean attenuation", "[hnsf'U]", 1, Spread::Minus(3900, 7200)),
            ],
            excludes: &[],
            critical: false,
            graded: false,
        },
        Lesion {
            code: None,
            noun: "lymph node",
            places: &[
                place("station 7, subcarinal", LYMPH_NODE),
                right("station 4R, lower paratracheal", LYMPH_NODE),
                left("station 5, aortopulmonary window", LYMPH_NODE),
                right("station 10R, hilar", LYMPH_NODE),
            ],
            sentences: &[
                "Enlarged lymph node ({place}) with a short axis of {size}.",
                "Lymph node in {place}: short axis {size}, fatty hilum effaced.",
            ],
            impressions: &["Enlarged mediastinal lymph node ({place}), short axis {size}."],
            quantities: &[coded(SHORT_AXIS, "short axis", "mm", 1, Spread::Between(101, 243)).by(RECIST)],
            excludes: &[],
            critical: false,
            graded: false,
        },
        Lesion {
            code: Some(PLEURAL_EFFUSION),
            noun: "pleural effusion",
            places: &[right("right pleural space", THORAX), left("left pleural space", THORAX)],
            sentences: &["Free fluid in the {place}, up to {size} in depth, with adjacent compression atelectasis."],
            impressions: &["Effusion in the {place}, depth {size}."],
            quantities: &[plain("maximum depth", "mm", 0, Spread::Between(8, 71))],
            excludes: &["pleura", "costophrenic"],
            critical: false,
            graded: true,
        },
        Lesion {
            code: Some(PULMONARY_EMBOLISM),
            noun: "pulmonary embolism",
            places: &[
                right("right lower lobe artery", LUNG),
                left("left lower lobe artery", LUNG),
                right("right main pulmonary artery", LUNG),
            ],
            sentences: &[
                "Central filling defect in the {place} in keeping with acute embolism; the main pulmonary artery measures {size}.",
            ],
            impressions: &["Acute pulmonary embolism, {place}. The referring physician was told by telephone."],
            quantities: &[
                coded(DIAMETER, "trunk diameter", "mm", 1, Spread::Between(248, 361)),
                plain("RV/LV ratio", "{ratio}", 2, Spread::Between(71, 168)),
            ],
            excludes: &["great vessels", "without contrast"],
            critical: true,
            graded: false,
        },
    ],
    surveys: &[Survey {
        quantities: &[
            coded(LONG_AXIS, "long axis", "mm", 1, Spread::Between(30, 185)).by(RECIST),
            coded(SHORT_AXIS, "short axis", "mm", 1, Spread::OfFirst(55, 98)),
            coded(ATTENUATION, "mean attenuation", "[hnsf'U]", 1, Spread::Between(60, 810)),
        ],
        places: &[
            right("right upper lobe", UPPER_LOBE),
            right("middle lobe", MIDDLE_LOBE),
            right("right lower lobe", LOWER_LOBE),
            left("left upper lobe", UPPER_LOBE),
            left("left lower lobe", LOWER_LOBE),
        ],
        follows_lesions: true,
        sentence: "Multiple metastases in both lungs; every lesion that is followed is listed with its diameters and attenuation in the table of measurements.",
    }],
    clear: &["No evidence of acute or suspicious disease in the chest.", "Unremarkable CT of the chest for age."],
    advice: &[
        "Low-dose CT of the chest in 3 months.",
        "Correlation with prior outside imaging is recommended.",
        "Discussion in the interdisciplinary tumour board.",
        "PET-CT for further characterisation.",
    ],
};

pub(super) const ABDOMEN: Protocol = Protocol {
    modality: "CT",
    sop_class: CT_IMAGE,
    loop_sop_class: None,
    descriptions: &["CT Abdomen/Pelvis with contrast", "CT Abdomen und Becken", "CT urogram"],
    site: ABDOMEN_AND_PELVIS,
    sex: None,
    histories: &[
        "Right flank pain with haematuria. Calculus?",
        "Hepatocellular carcinoma after chemoembolisation. Response?",
        "Abdominal pain and weight loss of 8 kg in three months.",
        "Known infrarenal aortic aneurysm, annual follow-up.",
    ],
    techniques: &[
        "Acquisition in the portal venous phase, 70 s after 100 mL of intravenous contrast; oral contrast was not given. Slices of 3 mm, coronal and sagittal reformats.",
        "Unenhanced, arterial and portal venous phases. 110 mL of contrast at 3.5 mL/s.",
    ],
    normal: &[
        &["The liver is of normal size and contour.", "Diffuse low attenuation of the liver (steatosis)."],
        &["No dilatation of the bile ducts. The gallbladder is thin-walled.", "Status after cholecystectomy."],
        &["The pancreas is lobulated; the duct is not dilated.", "Normal pancreas."],
        &["The spleen measures within normal limits.", "Spleen unremarkable; small accessory spleen at the hilum."],
        &["The adrenal glands are slender.", "Normal adrenal glands."],
        &["No free air. No ascites.", "No free fluid."],
        &[
            "The bowel is not distended; the appendix is normal.",
            "Sigmoid diverticulosis without inflammation. No obstruction.",
        ],
        &["The urinary bladder is smooth-walled.", "Urinary bladder moderately filled, unremarkable."],
        &["No destructive bone lesion.", "Degenerative changes of the lumbar spine, facet arthrosis L4 to S1."],
    ],
    normal_women: &["Uterus and adnexa are unremarkable for age."],
    normal_men: &["Prostate with central calcifications, not enlarged."],
    lesions: &[
        Lesion {
            code: Some(LESION),
            noun: "liver lesion",
            places: &[
                place("segment IV", LIVER_IV),
                place("segment V", LIVER_V),
                place("segment VII", LIVER_VII),
                place("segment VIII", LIVER_VIII),
            ],
            sentences: &[
                "Hypervascular lesion in hepatic {place}, {size}, with washout in the portal venous phase.",
                "In hepatic {place} a hypoattenuating lesion of {size} with rim enhancement.",
            ],
            impressions: &[
                "Lesion in hepatic {place}, {size}, suspicious for malignancy.",
                "Metastasis in hepatic {place} ({size}).",
            ],
            quantities: &[
                coded(LONG_AXIS, "long axis", "mm", 1, Spread::Between(96, 874)).by(RECIST),
                coded(SHORT_AXIS, "short axis", "mm", 1, Spread::OfFirst(50, 96)),
                coded(ATTENUATION, "arterial attenuation", "[hnsf'U]", 1, Spread::Between(450, 1420)),
            ],
            excludes: &["liver is of normal"],
            critical: false,
            graded: false,
        },
        Lesion {
            code: Some(AORTIC_ANEURYSM),
            noun: "aortic aneurysm",
            places: &[place("infrarenal aorta", INFRARENAL_AORTA)],
            sentences: &["Fusiform aneurysm of the {place} with mural thrombus, maximum outer diameter {size}."],
            impressions: &["Aneurysm of the {place}, {size}. No sign of rupture."],
            quantities: &[
                coded(DIAMETER, "outer diameter", "mm", 1, Spread::Between(312, 689)),
                coded(VOLUME, "sac volume", "cm3", 2, Spread::Between(4100, 31900)),
            ],
            excludes: &["aorta"],
            critical: false,
            graded: false,
        },
        Lesion {
            code: Some(HYDRONEPHROSIS),
            noun: "ureteral calculus",
            places: &[right("right kidney", KIDNEY), left("left kidney", KIDNEY)],
            sentences: &[
                "Obstruction of the {place} by a prevesical ureteral calculus of {size}, perirenal stranding.",
            ],
            impressions: &["Obstructing ureteral calculus of {size}, {place}."],
            quantities: &[
                plain("size", "mm", 1, Spread::Between(21, 118)),
                coded(ATTENUATION, "attenuation", "[hnsf'U]", 0, Spread::Between(310, 1380)),
            ],
            excludes: &[],
            critical: false,
            graded: true,
        },
        Lesion {
            code: Some(CYST),
            noun: "renal cyst",
            places: &[right("right kidney", KIDNEY), left("left kidney", KIDNEY)],
            sentences: &["Simple cyst of the {place}, {size}, Bosniak I."],
            impressions: &["Simple cyst of the {place}, {size}; no follow-up needed."],
            quantities: &[
                coded(DIAMETER, "diameter", "mm", 0, Spread::Between(6, 92)),
                coded(ATTENUATION, "attenuation", "[hnsf'U]", 1, Spread::Between(1, 180)),
            ],
            excludes: &[],
            critical: false,
            graded: false,
        },
        Lesion {
            code: Some(MASS),
            noun: "adrenal mass",
            places: &[right("right adrenal gland", ADRENAL), left("left adrenal gland", ADRENAL)],
            sentences: &["Homogeneous mass of the {place}, {size}; unenhanced attenuation below 10 HU."],
            impressions: &["Adenoma of the {place}, {size}."],
            quantities: &[
                coded(LONG_AXIS, "long axis", "mm", 0, Spread::Between(9, 39)),
                plain("absolute washout", "%", 1, Spread::Between(402, 818)),
            ],
            excludes: &["adrenal"],
            critical: false,
            graded: false,
        },
    ],
    surveys: &[Survey {
        quantities: &[
            coded(DIAMETER, "outer diameter", "mm", 1, Spread::Between(161, 412)),
            plain("inner diameter", "mm", 1, Spread::OfFirst(82, 98)),
        ],
        places: &[
            place("suprarenal aorta", AORTA),
            place("infrarenal aorta", INFRARENAL_AORTA),
            place("aortic bifurcation", INFRARENAL_AORTA),
            right("right common iliac artery", ABDOMEN_AND_PELVIS),
            left("left common iliac artery", ABDOMEN_AND_PELVIS),
        ],
        follows_lesions: false,
        sentence: "Diameters of the aorta and the iliac arteries at every level of the planning protocol are listed in the table of measurements.",
    }],
    clear: &["No acute abnormality of the abdomen or pelvis.", "No evidence of metastatic disease."],
    advice: &[
        "Urological referral.",
        "Multiphasic MRI of the liver for characterisation.",
        "CT angiography in 6 months.",
        "No follow-up imaging is needed.",
    ],
};

pub(super) const HEAD_PROTOCOL: Protocol = Protocol {
    modality: "CT",
    sop_class: CT_IMAGE,
    loop_sop_class: None,
    descriptions: &["CT Head without contrast", "CT Schädel nativ", "CT head, emergency"],
    site: HEAD,
    sex: None,
    histories: &[
        "Fall from standing height, on apixaban. Haemorrhage?",
        "Sudden left-sided weakness two hours ago. NIHSS 9.",
        "New headache and confusion.",
    ],
    techniques: &[
        "Unenhanced helical acquisition of the head, 1 mm slices, brain and bone kernels.",
        "Sequential unenhanced acquisition parallel to the skull base, 4 mm slices.",
    ],
    normal: &[
        &[
            "Grey and white matter are well differentiated.",
            "Confluent hypodensity of the periventricular white matter.",
        ],
        &["The ventricles and the sulci are in keeping with age.", "Mild global volume loss."],
        &["The basal cisterns are open.", "No effacement of the basal cisterns."],
        &["No hyperdense vessel sign.", "Calcified plaque of both carotid siphons."],
        &["The calvarium and the skull base are intact.", "No fracture."],
        &["Paranasal sinuses and mastoid cells are aerated.", "Mucosal thickening of the maxillary sinuses."],
    ],
    normal_women: &[],
    normal_men: &[],
    lesions: &[Lesion {
        code: Some(INTRACRANIAL_HEMORRHAGE),
        noun: "haemorrhage",
        places: &[
            right("right frontal lobe", FRONTAL_LOBE),
            left("left frontal lobe", FRONTAL_LOBE),
            right("right parietal lobe", PARIETAL_LOBE),
            left("left temporal lobe", TEMPORAL_LOBE),
        ],
        sentences: &[
            "Intraparenchymal haemorrhage in the {place}, {size}, with a thin rim of oedema.",
            "Hyperdense haematoma of the {place}, {size}, without extension into the ventricles.",
        ],
        impressions: &["Acute haemorrhage in the {place} ({size}). Told to the stroke team at once."],
        quantities: &[
            coded(LONG_AXIS, "long axis", "mm", 1, Spread::Between(71, 642)),
            coded(SHORT_AXIS, "short axis", "mm", 1, Spread::OfFirst(45, 95)),
            plain("volume (ABC/2)", "mL", 2, Spread::Between(35, 6120)),
            plain("midline shift", "mm", 1, Spread::Between(0, 121)),
        ],
        excludes: &[],
        critical: true,
        graded: false,
    }],
    surveys: &[Survey {
        quantities: &[
            coded(VOLUME, "volume", "mL", 2, Spread::Between(210, 9800)),
            coded(ATTENUATION, "mean attenuation", "[hnsf'U]", 2, Spread::Between(2210, 4180)),
        ],
        places: &[
            right("right frontal lobe", FRONTAL_LOBE),
            left("left frontal lobe", FRONTAL_LOBE),
            right("right parietal lobe", PARIETAL_LOBE),
            left("left temporal lobe", TEMPORAL_LOBE),
            place("whole brain", BRAIN),
        ],
        follows_lesions: false,
        sentence: "Regional perfusion volumes are listed in the table of measurements.",
    }],
    clear: &["No intracranial haemorrhage, no demarcated infarction.", "No acute intracranial abnormality."],
    advice: &["Follow-up CT in 6 hours.", "MRI with diffusion imaging.", "Neurosurgical consultation."],
};
