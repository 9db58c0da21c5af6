"""Which weakness of https://cwe.mitre.org/ an advisory's own words name, where it states no CWE id.

A wrong class is worse than none. So a phrase is in the table only if it names the weakness itself, not
what may follow from it, and an advisory gets a class only if its words name exactly one.
"""
import re

# Phrases of one class, narrower phrases before the wider ones that are part of them: what a phrase
# matched is not matched again. `None` marks words that name something, but no class of weakness.
PHRASES = [
    (None, r"prototype[- ]pollution gadgets?|gadget in a prototype[- ]pollution"),
    ("CWE-1321", r"prototype[- ]pollution"),
    ("CWE-1333", r"regular[- ]expression denial[- ]of[- ]service|redos|catastrophic backtracking"),
    ("CWE-1333", r"inefficient regular expression complexity"),
    ("CWE-407", r"algorithmic complexity|quadratic (?:\w+ )?complexity|quadratic (?:run )?time"),
    (None, r"denial[- ]of[- ]service"),
    ("CWE-1385", r"cross[- ]site websocket hijacking"),
    (None, r"[cx]srf (?:protection|token|cookie)s?"),
    ("CWE-352", r"cross[- ]site request forgery|csrf"),
    ("CWE-79", r"cross[- ]site[- ]scripting|m?xss"),
    ("CWE-943", r"no-?sql injection"),
    ("CWE-89", r"sql injections?"),
    ("CWE-90", r"ldap injection"),
    ("CWE-643", r"xpath injection"),
    ("CWE-1236", r"(?:csv|formula) injection"),
    ("CWE-1336", r"template injection"),
    ("CWE-117", r"log (?:line )?injection"),
    ("CWE-88", r"argument injection"),
    (None, r"smtp command injection"),
    ("CWE-78", r"(?:os|operating system|shell) command injection"),
    ("CWE-77", r"command injection"),
    ("CWE-95", r"eval injection"),
    ("CWE-94", r"code injection"),
    ("CWE-113", r"(?:http )?response[- ]splitting"),
    ("CWE-93", r"crlf injection"),
    ("CWE-444", r"request smuggling|inconsistent interpretation of http requests"),
    (None, r"ssrf (?:mitigation|protection|bypass)(?:e?s)?"),
    ("CWE-918", r"server[- ]side request forgery|ssrf"),
    ("CWE-601", r"open[- ]redirect(?:ion)?s?"),
    ("CWE-1021", r"clickjacking"),
    ("CWE-1022", r"(?:reverse )?tabnabbing"),
    ("CWE-384", r"session fixation"),
    ("CWE-611", r"xml external entit(?:y|ies)|xxe"),
    ("CWE-776", r"xml entity expansion|billion laughs"),
    ("CWE-409", r"(?:de)?compression bombs?|zip bombs?"),
    ("CWE-502", r"deserialization of untrusted data|(?:insecure|unsafe) deserialization"),
    ("CWE-22", r"(?:path|directory) traversals?|zip slip"),
    ("CWE-59", r"symlink attacks?|link following"),
    ("CWE-416", r"use[- ]after[- ]free"),
    ("CWE-415", r"double[- ]free"),
    ("CWE-126", r"buffer over-?reads?"),
    ("CWE-125", r"read buffer (?:overflow|overrun)s?"),
    ("CWE-122", r"heap(?:-based)? buffer overflows?"),
    ("CWE-121", r"stack(?:-based)? buffer overflows?"),
    ("CWE-120", r"buffer overflows?"),
    ("CWE-125", r"(?:out[- ]of[- ]bounds?|oob)(?: memory)? reads?"),
    ("CWE-787", r"(?:out[- ]of[- ]bounds?|oob)(?: memory)? writes?"),
    ("CWE-190", r"integer overflows?"),
    ("CWE-191", r"integer underflows?"),
    ("CWE-476", r"(?:null|nil)(?:[- ]pointer)? deref(?:erence|erencing)?s?"),
    ("CWE-369", r"(?:division|divide)[- ]by[- ](?:zero|0)"),
    ("CWE-843", r"type confusion"),
    ("CWE-908", r"uninitiali[sz]ed memory"),
    ("CWE-457", r"use of uninitiali[sz]ed variable"),
    ("CWE-835", r"infinite (?:\w+ )?loop|unbounded loop"),
    ("CWE-674", r"(?:uncontrolled|infinite|unbounded|excessive) recursion|does not limit recursion"),
    # Without a word about nesting it may be a buffer on the stack that overflows.
    ("CWE-674", r"stack exhaustion|stack overflow(?=.*(?:nest|recurs))|(?:nest|recurs).*stack overflow"),
    ("CWE-401", r"memory leaks?"),
    ("CWE-833", r"deadlocks?"),
    ("CWE-770", r"allocation of resources without limits or throttling"),
    ("CWE-367", r"toctou|time[- ]of[- ]check(?:\W+to\W+|/)time[- ]of[- ]use"),
    ("CWE-366", r"data races?"),
    (None, r"leveraging a race condition"),
    ("CWE-362", r"race conditions?"),
    ("CWE-208", r"timing (?:attacks?|side[- ]?channels?|oracle)"),
    ("CWE-297", r"lack of hostname verification|hostname verification (?:skipped|disabled)"),
    ("CWE-295", r"improper certificate validation|certificate validation bypass"),
    ("CWE-347", r"signature (?:validation|verification) bypass"),
    ("CWE-347", r"improper verification of cryptographic signatures?"),
    ("CWE-331", r"insufficient entropy"),
    ("CWE-330", r"insufficiently random values|(?:insecure|insufficient) randomness"),
    ("CWE-798", r"hard-?coded credentials?"),
    ("CWE-321", r"hard-?coded cryptographic keys?"),
    ("CWE-319", r"cleartext transmission"),
    ("CWE-639", r"insecure direct object references?"),
    ("CWE-434", r"unrestricted (?:file )?upload"),
    ("CWE-915", r"mass assignment"),
    ("CWE-441", r"confused deputy"),
    ("CWE-426", r"untrusted search path"),
    ("CWE-427", r"uncontrolled search path"),
    ("CWE-506", r"embedded malicious code"),
    ("CWE-548", r"information exposure through directory listing"),
    ("CWE-532", r"(?:exposure|insertion) of sensitive information (?:in|into|via) log files?"),
    ("CWE-200", r"exposure of sensitive information"),
    (None, r"information (?:exposure|disclosure|leak(?:age)?)"),
    ("CWE-400", r"(?:excessive|uncontrolled|unbounded) (?:cpu|memory|resource) (?:consumption|usage)"),
    ("CWE-400", r"(?:resource|memory|cpu) (?:exhaustion|consumption)"),
    ("CWE-400", r"(?:excessive|unbounded) memory (?:allocation|growth)"),
    (None, r"(?:arbitrary|remote)(?: \w+)? (?:code|command) execution|execut\w* arbitrary"),
    (None, r"(?:authentication|authorization|access restriction) bypass"),
]
COMPILED = [(cwe, re.compile(rf"\b(?:{phrase})\b", re.IGNORECASE)) for cwe, phrase in PHRASES]

# Classes that say little: they give way to any other.
BROAD = {"CWE-200", "CWE-400"}

# Advisories often begin with what the package is for.
SENTENCES = 3


def named_weakness(text):
    """The one class of weakness that the text's first telling sentence names, or None."""
    stated = set(re.findall(r"\bCWE-\d+\b", text))
    if stated:
        return stated.pop() if len(stated) == 1 else None
    for sentence in re.split(r"(?<=[.!?])\s+(?=\S*[A-Z])", text.strip())[:SENTENCES]:
        named = classes(sentence)
        specific = named - BROAD - {None} or named - {None}
        if named:
            return specific.pop() if len(specific) == 1 else None
    return None


def classes(sentence):
    # An example of what may follow is no word about the cause.
    sentence = re.sub(r"\b(?:such as|e\.g\.)[^),]*", " ", sentence)
    named = set()
    for cwe, phrase in COMPILED:
        sentence, count = phrase.subn(" ", sentence)
        if count:
            named.add(cwe)
    return named
