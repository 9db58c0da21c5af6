//! What a finding is called: the record's own summary, or a name for its kind of weakness.

use crate::advisory::compiled::Advisory;
use crate::advisory::severity;
use crate::text::visible;

/// How many characters of a summary are shown; some databases write a paragraph.
const MAX_CHARS: usize = 120;

pub struct Title {
    pub text: String,
    pub source: TitleSource,
}

/// What a title was made from, least telling first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TitleSource {
    Package,
    Weakness,
    Summary,
}

impl Title {
    /// A title for an advisory about `package`.
    pub fn new(package: &str, advisory: &Advisory) -> Title {
        let summary = one_line(advisory.summary);
        if !summary.is_empty() {
            return Title {
                text: shortened(&visible(&summary)),
                source: TitleSource::Summary,
            };
        }
        let (text, source) = match weakness(package, advisory) {
            Some(text) => (text, TitleSource::Weakness),
            None => (
                format!("Known vulnerability in {package}"),
                TitleSource::Package,
            ),
        };
        Title { text, source }
    }
}

/// The kind of weakness and the package, where the advisory tells the kind.
fn weakness(package: &str, advisory: &Advisory) -> Option<String> {
    if severity::is_malware(advisory) {
        return Some(format!("Malicious code in {package}"));
    }
    let affected = &advisory.affected;
    if affected.iter().any(|a| a.informational == "unmaintained") {
        return Some(format!("{package} is unmaintained"));
    }
    let category = || {
        let mut categories = affected.iter().flat_map(|a| &a.categories);
        categories.find_map(|category| category_name(category))
    };
    let kind = cwes(advisory).find_map(weakness_name).or_else(category)?;
    Some(format!("{kind} in {package}"))
}

/// The advisory's CWE ids, most telling place first.
pub fn cwes<'a>(advisory: &'a Advisory<'a>) -> impl Iterator<Item = &'a str> {
    let of_package = advisory.affected.iter().flat_map(|a| &a.weaknesses);
    of_package
        .chain(&advisory.weaknesses)
        .copied()
        .filter(|id| cwe_number(id).is_some())
}

/// The words of the text, on one line.
fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// As many whole words as fit.
fn shortened(text: &str) -> String {
    let end_of = |chars| text.char_indices().nth(chars).map(|(end, _)| end);
    let (Some(_), Some(end)) = (end_of(MAX_CHARS), end_of(MAX_CHARS - 1)) else {
        return text.to_owned();
    };
    let (head, rest) = text.split_at(end);
    let words = match head.rsplit_once(' ') {
        Some((words, _)) if !rest.starts_with(' ') => words,
        _ => head,
    };
    format!("{}…", words.trim_end_matches([' ', ',', ';', ':']))
}

/// RustSec's categories.
fn category_name(category: &str) -> Option<&'static str> {
    Some(match category {
        "code-execution" => "Code execution",
        "crypto-failure" => "Broken cryptography",
        "denial-of-service" => "Denial of service",
        "file-disclosure" => "File disclosure",
        "format-injection" => "Injection",
        "memory-corruption" => "Memory corruption",
        "memory-exposure" => "Memory exposure",
        "privilege-escalation" => "Privilege escalation",
        "thread-safety" => "Data race",
        _ => return None,
    })
}

fn weakness_name(cwe: &str) -> Option<&'static str> {
    let number = cwe_number(cwe)?;
    let index = WEAKNESSES
        .binary_search_by_key(&number, |(id, _)| *id)
        .ok()?;
    WEAKNESSES.get(index).map(|(_, name)| *name)
}

fn cwe_number(cwe: &str) -> Option<u16> {
    cwe.strip_prefix("CWE-")?.parse().ok()
}

/// Short names for the weaknesses of <https://cwe.mitre.org/> that advisories name, by number.
///
/// Left out are classes too broad to say anything, such as CWE-664.
const WEAKNESSES: &[(u16, &str)] = &[
    (15, "Outside control of settings"),
    (20, "Missing input validation"),
    (21, "Path traversal"),
    (22, "Path traversal"),
    (23, "Path traversal"),
    (24, "Path traversal"),
    (25, "Path traversal"),
    (26, "Path traversal"),
    (27, "Path traversal"),
    (29, "Path traversal"),
    (35, "Path traversal"),
    (36, "Absolute path traversal"),
    (41, "Ambiguous path"),
    (59, "Link following"),
    (61, "Symbolic-link following"),
    (73, "Outside control of a file name"),
    (74, "Injection"),
    (75, "Injection"),
    (77, "Command injection"),
    (78, "Operating-system command injection"),
    (79, "Cross-site scripting"),
    (80, "Cross-site scripting"),
    (81, "Cross-site scripting in error pages"),
    (83, "Cross-site scripting in attributes"),
    (84, "Cross-site scripting through URI schemes"),
    (85, "Cross-site scripting"),
    (86, "Cross-site scripting"),
    (87, "Cross-site scripting"),
    (88, "Argument injection"),
    (89, "SQL injection"),
    (90, "LDAP injection"),
    (91, "XML injection"),
    (93, "Line-break injection"),
    (94, "Code injection"),
    (95, "Code injection through eval"),
    (96, "Code injection into stored files"),
    (98, "Remote file inclusion"),
    (99, "Resource injection"),
    (113, "HTTP response splitting"),
    (115, "Misread input"),
    (116, "Missing output escaping"),
    (117, "Log injection"),
    (119, "Out-of-bounds memory access"),
    (120, "Buffer overflow"),
    (121, "Stack buffer overflow"),
    (122, "Heap buffer overflow"),
    (123, "Arbitrary memory write"),
    (124, "Buffer underwrite"),
    (125, "Out-of-bounds read"),
    (126, "Buffer over-read"),
    (127, "Buffer under-read"),
    (128, "Integer wrap-around"),
    (129, "Unchecked array index"),
    (130, "Wrong length handling"),
    (131, "Wrong buffer-size calculation"),
    (134, "Format-string injection"),
    (138, "Unescaped special characters"),
    (140, "Delimiter injection"),
    (147, "Terminator injection"),
    (150, "Terminal escape-sequence injection"),
    (158, "Null-byte injection"),
    (166, "Mishandled missing element"),
    (170, "Missing string terminator"),
    (172, "Encoding error"),
    (176, "Mishandled Unicode"),
    (177, "Mishandled URL encoding"),
    (178, "Mishandled letter case"),
    (180, "Validation before normalisation"),
    (182, "Unsafe data removal"),
    (183, "Too permissive allow list"),
    (184, "Incomplete deny list"),
    (185, "Wrong regular expression"),
    (186, "Too strict regular expression"),
    (187, "Partial string comparison"),
    (189, "Numeric error"),
    (190, "Integer overflow"),
    (191, "Integer underflow"),
    (193, "Off-by-one error"),
    (194, "Wrong sign extension"),
    (195, "Signed number taken as unsigned"),
    (197, "Numeric truncation"),
    (200, "Information exposure"),
    (201, "Sensitive data in sent messages"),
    (203, "Observable difference"),
    (204, "Observable difference in answers"),
    (208, "Timing side channel"),
    (209, "Sensitive data in error messages"),
    (212, "Sensitive data left in place"),
    (213, "Exposure of data against policy"),
    (214, "Sensitive data visible in process arguments"),
    (215, "Sensitive data in debugging output"),
    (226, "Sensitive data left in reused memory"),
    (228, "Mishandled malformed input"),
    (229, "Mishandled values"),
    (230, "Mishandled missing values"),
    (235, "Mishandled repeated parameters"),
    (241, "Mishandled data type"),
    (248, "Uncaught exception"),
    (250, "Unneeded privileges"),
    (252, "Unchecked return value"),
    (253, "Wrongly checked return value"),
    (256, "Password stored in plain text"),
    (257, "Recoverable password storage"),
    (259, "Hard-coded password"),
    (260, "Password in configuration"),
    (261, "Weak password encoding"),
    (262, "Missing password ageing"),
    (266, "Wrong privilege assignment"),
    (267, "Unsafe privilege"),
    (268, "Privilege chaining"),
    (269, "Wrong privilege management"),
    (270, "Privilege context mix-up"),
    (271, "Privileges not dropped"),
    (272, "Privileges kept too long"),
    (273, "Unchecked privilege drop"),
    (274, "Mishandled lack of privilege"),
    (275, "Wrong permissions"),
    (276, "Wrong default permissions"),
    (277, "Wrongly inherited permissions"),
    (278, "Wrongly preserved permissions"),
    (279, "Wrong permissions at run time"),
    (280, "Mishandled lack of permission"),
    (281, "Permissions not preserved"),
    (282, "Wrong ownership management"),
    (283, "Unverified ownership"),
    (284, "Broken access control"),
    (285, "Broken authorization"),
    (287, "Broken authentication"),
    (288, "Authentication bypass through another path"),
    (289, "Authentication bypass by another name"),
    (290, "Authentication bypass by spoofing"),
    (291, "Trust in an IP address"),
    (294, "Authentication bypass by replay"),
    (295, "Broken certificate validation"),
    (296, "Broken certificate-chain validation"),
    (297, "Certificate host name not checked"),
    (298, "Certificate expiry not checked"),
    (299, "Certificate revocation not checked"),
    (300, "Machine-in-the-middle exposure"),
    (301, "Reflection attack on authentication"),
    (302, "Authentication bypass by assumed data"),
    (303, "Wrong authentication algorithm"),
    (304, "Missing authentication step"),
    (305, "Authentication bypass"),
    (306, "Missing authentication"),
    (307, "Unlimited login attempts"),
    (308, "Single-factor authentication"),
    (311, "Missing encryption"),
    (312, "Sensitive data stored in plain text"),
    (313, "Sensitive data on disk in plain text"),
    (315, "Sensitive data in a cookie in plain text"),
    (316, "Sensitive data in memory in plain text"),
    (317, "Sensitive data shown in plain text"),
    (319, "Sensitive data sent in plain text"),
    (320, "Wrong key management"),
    (321, "Hard-coded cryptographic key"),
    (322, "Key exchange without authentication"),
    (323, "Reused nonce"),
    (324, "Expired key in use"),
    (325, "Missing cryptographic step"),
    (326, "Weak encryption"),
    (327, "Broken or risky cryptography"),
    (328, "Weak hash"),
    (329, "Predictable initialisation vector"),
    (330, "Weak randomness"),
    (331, "Too little entropy"),
    (332, "Too little entropy"),
    (334, "Too few random values"),
    (335, "Wrongly seeded random numbers"),
    (336, "Repeated random seed"),
    (337, "Predictable random seed"),
    (338, "Weak random-number generator"),
    (340, "Predictable identifiers"),
    (341, "Predictable state"),
    (342, "Predictable values"),
    (344, "Unchanging secret value"),
    (345, "Unverified authenticity of data"),
    (346, "Unchecked origin"),
    (347, "Broken signature verification"),
    (348, "Trust in the less trusted source"),
    (349, "Untrusted data accepted with trusted"),
    (350, "Trust in reverse DNS"),
    (351, "Mistaken type"),
    (352, "Cross-site request forgery"),
    (353, "Missing integrity check"),
    (354, "Broken integrity check"),
    (358, "Wrongly implemented security check"),
    (359, "Exposure of personal data"),
    (362, "Race condition"),
    (363, "Race condition that follows links"),
    (364, "Signal-handler race"),
    (366, "Data race"),
    (367, "Check-then-use race"),
    (369, "Division by zero"),
    (377, "Insecure temporary file"),
    (378, "Temporary file with wrong permissions"),
    (379, "Temporary file in an open directory"),
    (384, "Session fixation"),
    (385, "Covert timing channel"),
    (390, "Ignored error"),
    (391, "Unchecked error"),
    (392, "Unreported error"),
    (393, "Wrong status code"),
    (394, "Unexpected status code"),
    (396, "Overly general exception handling"),
    (400, "Uncontrolled resource consumption"),
    (401, "Memory leak"),
    (402, "Resource leak"),
    (403, "Leaked file descriptor"),
    (404, "Unreleased resource"),
    (405, "Amplified resource consumption"),
    (406, "Network amplification"),
    (407, "Algorithmic-complexity denial of service"),
    (408, "Early amplification"),
    (409, "Decompression bomb"),
    (410, "Exhaustible resource pool"),
    (412, "Unrestricted outside lock"),
    (413, "Missing resource lock"),
    (415, "Double free"),
    (416, "Use after free"),
    (417, "Broken channel"),
    (419, "Unprotected main channel"),
    (420, "Unprotected alternate channel"),
    (425, "Forced browsing"),
    (426, "Untrusted search path"),
    (427, "Uncontrolled search path"),
    (428, "Unquoted search path"),
    (434, "Unrestricted file upload"),
    (435, "Unsafe interaction of components"),
    (436, "Interpretation conflict"),
    (440, "Unexpected behaviour"),
    (441, "Confused deputy"),
    (444, "HTTP request smuggling"),
    (451, "Misleading user interface"),
    (453, "Insecure default value"),
    (454, "Outside initialisation of trusted values"),
    (455, "Start despite failed initialisation"),
    (456, "Missing initialisation"),
    (457, "Uninitialised variable"),
    (459, "Incomplete cleanup"),
    (460, "Incomplete cleanup after an exception"),
    (462, "Repeated key"),
    (463, "Deleted sentinel"),
    (465, "Pointer error"),
    (466, "Pointer outside its range"),
    (467, "Size of a pointer taken for its target's"),
    (468, "Wrong pointer scaling"),
    (470, "Outside choice of classes"),
    (471, "Modification of assumed-constant data"),
    (472, "Outside control of assumed-constant parameter"),
    (474, "Function of uncertain behaviour"),
    (475, "Undefined behaviour"),
    (476, "Null-pointer dereference"),
    (477, "Obsolete function"),
    (479, "Unsafe signal handler"),
    (485, "Missing encapsulation"),
    (488, "Data exposed to the wrong session"),
    (489, "Debugging code left in"),
    (494, "Download without integrity check"),
    (497, "Exposure of system data"),
    (501, "Trust-boundary violation"),
    (502, "Unsafe deserialization"),
    (506, "Malicious code"),
    (507, "Trojan horse"),
    (509, "Self-replicating malicious code"),
    (510, "Trapdoor"),
    (511, "Logic bomb"),
    (512, "Spyware"),
    (521, "Weak password rules"),
    (522, "Poorly protected credentials"),
    (523, "Unprotected transport of credentials"),
    (524, "Sensitive data in a cache"),
    (525, "Sensitive data in a browser's cache"),
    (526, "Sensitive data in environment variables"),
    (527, "Exposed version-control data"),
    (530, "Exposed backup"),
    (532, "Sensitive data in logs"),
    (538, "Sensitive data in a reachable file"),
    (539, "Sensitive data in persistent cookies"),
    (540, "Sensitive data in source code"),
    (544, "Missing error handling"),
    (548, "Directory listing"),
    (552, "Files reachable from outside"),
    (561, "Dead code"),
    (565, "Trust in unverified cookies"),
    (566, "Authorization bypass through an SQL key"),
    (567, "Unsynchronised shared data"),
    (576, "Unsafe practice in a bean"),
    (590, "Freed memory not on the heap"),
    (593, "Authentication bypass in TLS"),
    (598, "Sensitive data in query strings"),
    (599, "Missing certificate validation"),
    (600, "Uncaught exception in a servlet"),
    (601, "Open redirect"),
    (602, "Security enforced only by the client"),
    (603, "Authentication only by the client"),
    (606, "Unchecked loop condition"),
    (610, "Outside control of a reference"),
    (611, "XML external entities"),
    (613, "Sessions that do not expire"),
    (614, "Cookie without the Secure attribute"),
    (617, "Reachable assertion"),
    (618, "Exposed unsafe method"),
    (619, "Dangling database cursor"),
    (620, "Unverified password change"),
    (621, "Variable extraction"),
    (622, "Unchecked function hook"),
    (625, "Permissive regular expression"),
    (626, "Null-byte mix-up"),
    (627, "Dynamic variable evaluation"),
    (636, "Not failing safely"),
    (639, "Insecure direct object reference"),
    (640, "Weak password recovery"),
    (641, "Unsafe file names"),
    (642, "Outside control of critical state"),
    (643, "XPath injection"),
    (644, "Unescaped HTTP headers"),
    (645, "Overly strict lock-out"),
    (646, "Trust in a file's name"),
    (647, "Trust in an unnormalised URL path"),
    (648, "Wrong use of privileged functions"),
    (649, "Trust in obfuscation"),
    (650, "Trust in HTTP methods"),
    (651, "Exposed service description"),
    (652, "XQuery injection"),
    (653, "Missing isolation"),
    (655, "Security too hard to use"),
    (657, "Insecure design"),
    (662, "Wrong synchronisation"),
    (663, "Use of a non-reentrant function"),
    (665, "Wrong initialisation"),
    (666, "Operation at the wrong time"),
    (667, "Wrong locking"),
    (668, "Resource exposed to the wrong sphere"),
    (669, "Wrong transfer between spheres"),
    (670, "Wrong control flow"),
    (671, "Lack of control over security"),
    (672, "Use after release"),
    (673, "Outside influence on spheres"),
    (674, "Uncontrolled recursion"),
    (675, "Repeated operation"),
    (676, "Dangerous function"),
    (680, "Integer overflow to buffer overflow"),
    (681, "Wrong number conversion"),
    (682, "Wrong calculation"),
    (684, "Wrong functionality"),
    (693, "Failed protection"),
    (694, "Duplicate identifier"),
    (695, "Use of low-level functions"),
    (696, "Wrong order of operations"),
    (697, "Wrong comparison"),
    (698, "Execution after redirect"),
    (703, "Mishandled exceptional conditions"),
    (704, "Wrong type conversion"),
    (706, "Wrongly resolved reference"),
    (707, "Wrong neutralisation"),
    (708, "Wrong ownership"),
    (732, "Wrong permissions on a critical resource"),
    (749, "Exposed dangerous method"),
    (754, "Unchecked exceptional condition"),
    (755, "Mishandled exceptional condition"),
    (757, "Algorithm downgrade"),
    (758, "Reliance on undefined behaviour"),
    (759, "Unsalted hash"),
    (760, "Predictable salt"),
    (761, "Free of a pointer into a buffer"),
    (762, "Mismatched memory management"),
    (763, "Invalid free"),
    (764, "Repeated locking"),
    (765, "Repeated unlocking"),
    (769, "Exhaustion of file descriptors"),
    (770, "Unlimited resource allocation"),
    (771, "Lost reference to a resource"),
    (772, "Resource not released"),
    (773, "Lost file descriptor"),
    (774, "Unlimited file descriptors"),
    (775, "File descriptor not released"),
    (776, "XML entity expansion"),
    (778, "Missing logging"),
    (779, "Excessive logging"),
    (780, "RSA without padding"),
    (782, "Exposed device control"),
    (783, "Wrong operator precedence"),
    (784, "Trust in unverified cookies"),
    (785, "Path buffer too small"),
    (786, "Memory access before a buffer"),
    (787, "Out-of-bounds write"),
    (788, "Memory access after a buffer"),
    (789, "Excessive memory allocation"),
    (790, "Unfiltered special elements"),
    (791, "Incompletely filtered special elements"),
    (798, "Hard-coded credentials"),
    (799, "Unlimited interaction"),
    (804, "Guessable CAPTCHA"),
    (805, "Buffer access of wrong length"),
    (807, "Trust in untrusted input"),
    (820, "Missing synchronisation"),
    (821, "Wrong synchronisation"),
    (822, "Dereference of an untrusted pointer"),
    (823, "Out-of-range pointer offset"),
    (824, "Uninitialised pointer"),
    (825, "Expired pointer"),
    (826, "Release too early"),
    (827, "Outside control of a document type"),
    (828, "Unsafe signal handler"),
    (829, "Inclusion from an untrusted source"),
    (830, "Web content from an untrusted source"),
    (831, "Wrong signal handler"),
    (832, "Unlock of what is not locked"),
    (833, "Deadlock"),
    (834, "Excessive iteration"),
    (835, "Infinite loop"),
    (836, "Password hash taken as password"),
    (837, "Unenforced single use"),
    (838, "Wrong output encoding"),
    (839, "Missing lower bound"),
    (841, "Unenforced order of steps"),
    (842, "Wrong group"),
    (843, "Type confusion"),
    (862, "Missing authorization"),
    (863, "Wrong authorization"),
    (908, "Uninitialised memory"),
    (909, "Missing initialisation"),
    (910, "Expired file descriptor"),
    (911, "Wrong reference count"),
    (912, "Hidden functionality"),
    (913, "Unsafe control of dynamic code"),
    (914, "Outside control of variable names"),
    (915, "Mass assignment"),
    (916, "Weak password hash"),
    (917, "Expression-language injection"),
    (918, "Server-side request forgery"),
    (920, "Excessive power consumption"),
    (921, "Sensitive data in unprotected storage"),
    (922, "Insecure storage of sensitive data"),
    (923, "Unrestricted communication channel"),
    (924, "Unverified message integrity"),
    (925, "Unverified broadcast"),
    (926, "Exported app component"),
    (927, "Implicit intent for sensitive data"),
    (939, "Unauthorized URL scheme"),
    (940, "Unverified source of a channel"),
    (941, "Unverified destination of a channel"),
    (942, "Too permissive cross-origin policy"),
    (943, "Query injection"),
    (1004, "Cookie without the HttpOnly attribute"),
    (1021, "Clickjacking"),
    (1022, "Link to an untrusted window"),
    (1023, "Incomplete comparison"),
    (1024, "Comparison of incompatible types"),
    (1025, "Wrong comparison"),
    (1037, "Security check optimised away"),
    (1038, "Unsafe automated optimisation"),
    (1039, "Unsafe automated recognition"),
    (1050, "Excessive resource use in a loop"),
    (1059, "Missing documentation"),
    (1077, "Wrong comparison of decimals"),
    (1088, "Remote access without a time limit"),
    (1104, "Unmaintained third-party component"),
    (1176, "Inefficient processing"),
    (1188, "Insecure default"),
    (1204, "Weak initialisation vector"),
    (1220, "Coarse access control"),
    (1230, "Sensitive data in metadata"),
    (1236, "Formula injection"),
    (1240, "Risky cryptographic primitive"),
    (1241, "Predictable random numbers"),
    (1255, "Power side channel"),
    (1256, "Hardware control from software"),
    (1258, "Sensitive data in debugging"),
    (1259, "Unprotected security token"),
    (1265, "Unintended re-entry"),
    (1270, "Wrong security token"),
    (1275, "Cookie without the SameSite attribute"),
    (1284, "Unchecked quantity"),
    (1285, "Unchecked index or offset"),
    (1286, "Unchecked syntax"),
    (1287, "Unchecked type"),
    (1288, "Unchecked consistency"),
    (1289, "Unchecked equivalence"),
    (1295, "Too much debugging information"),
    (1298, "Hardware race condition"),
    (1300, "Side channel"),
    (1320, "Unprotected alert signals"),
    (1321, "Prototype pollution"),
    (1322, "Blocking call in a non-blocking context"),
    (1325, "Excessive memory allocation in sequence"),
    (1327, "Binding to every address"),
    (1333, "Regular-expression denial of service"),
    (1336, "Template injection"),
    (1338, "Unprotected hardware"),
    (1339, "Too little numeric precision"),
    (1341, "Repeated release of a handle"),
    (1342, "Sensitive data left after speculation"),
    (1357, "Untrusted component"),
    (1385, "Cross-site WebSocket hijacking"),
    (1386, "Insecure Windows mount point"),
    (1389, "Mistaken number base"),
    (1390, "Weak authentication"),
    (1391, "Weak credentials"),
    (1392, "Default credentials"),
    (1393, "Default password"),
    (1394, "Default cryptographic key"),
    (1395, "Vulnerable third-party component"),
    (1426, "Unchecked output of a language model"),
    (1427, "Prompt injection"),
];

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::advisory::osv;

    fn title(value: Value) -> String {
        let mut value = value;
        value["id"] = json!("X-1");
        let record: osv::Record = serde_json::from_value(value).unwrap();
        let affected: Vec<_> = record.affected.iter().collect();
        Title::new("left", &Advisory::new(&record, &affected)).text
    }

    #[test]
    fn the_table_is_in_order_so_that_it_can_be_searched() {
        assert!(WEAKNESSES.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn a_title_is_the_summary_or_the_weakness_or_the_package() {
        let cwe = json!({"cwe_ids": ["CWE-1", "CWE-1321", "CWE-22"]});
        assert_eq!(
            title(json!({"summary": " A\n\u{1b}[31mred \u{202e}one "})),
            "A [31mred \\u{202e}one"
        );
        assert_eq!(
            title(json!({"summary": " ", "database_specific": cwe})),
            "Prototype pollution in left"
        );
        let cwes = json!({"cwes": [{"cweId": "CWE-22"}]});
        assert_eq!(
            title(json!({"database_specific": cwes})),
            "Path traversal in left"
        );
        let odd = json!({"cwe_ids": ["", "79", "CWE-x", "é-79x", "CWE-99999999"]});
        assert_eq!(
            title(json!({"database_specific": odd})),
            "Known vulnerability in left"
        );
    }

    #[test]
    fn a_long_summary_is_cut_between_words() {
        let cut = |summary: &str| title(json!({"summary": summary}));
        let fits = "é".repeat(MAX_CHARS);
        assert_eq!(cut(&fits), fits);
        assert_eq!(cut(&(fits + "é")), "é".repeat(MAX_CHARS - 1) + "…");
        let words = format!("{} end, more", "x".repeat(MAX_CHARS - 6));
        assert_eq!(cut(&words), words[..words.len() - 6].to_owned() + "…");
        let exact = format!("{} ends here", "x".repeat(MAX_CHARS - 6));
        assert_eq!(cut(&exact), exact[..exact.len() - 5].to_owned() + "…");
    }

    #[test]
    fn rustsec_says_more_about_the_package() {
        let of_package = |notes: Value| title(json!({"affected": [{"database_specific": notes}]}));
        assert_eq!(
            of_package(json!({"informational": "unmaintained"})),
            "left is unmaintained"
        );
        assert_eq!(
            of_package(json!({"categories": ["malicious"]})),
            "Malicious code in left"
        );
        assert_eq!(
            of_package(json!({"categories": ["new", "thread-safety"]})),
            "Data race in left"
        );
    }
}
