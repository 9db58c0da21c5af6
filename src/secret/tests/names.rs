//! Secrets that names tell.

use super::*;

#[test]
fn a_name_may_stand_above_its_value_or_behind_it() {
    let random = &mut Random::seeded(3);
    let (hex, password) = (expand("{hex:32}", "", random), "r7T!xQ2m#9pL");
    let long = expand("{hex:40}", "", random);
    for (file, text, rule) in [
        (
            "a.yaml",
            format!("datadog:\n  api_key: {hex}\n"),
            "datadog-api-key",
        ),
        (
            "a.json",
            format!("{{\"datadog\":{{\"api\":{{\"key\":\"{hex}\"}}}}}}"),
            "datadog-api-key",
        ),
        (
            "a.ini",
            format!("[datadog]\nsite = eu\napi_key = {hex}\n"),
            "datadog-api-key",
        ),
        (
            "a.js",
            format!("const c = {{datadog: {{apiKey: '{hex}'}}}};"),
            "datadog-api-key",
        ),
        (
            "a.yaml",
            format!("shop:\n  secret:\n    key: {long}\n"),
            "generic-secret",
        ),
        (
            "a.yaml",
            format!("database:\n  password: {password}\n"),
            "database-password",
        ),
        (
            "a.json",
            format!("[{{\"value\":\"{password}\",\"name\":\"DB_PASSWORD\"}}]"),
            "database-password",
        ),
        (
            "a.json",
            format!("[{{\"name\":\"DB_PASSWORD\",\"value\":\"{password}\"}}]"),
            "database-password",
        ),
        (
            "a.xml",
            format!("<entry key=\"db.password\">{password}</entry>"),
            "database-password",
        ),
    ] {
        assert_eq!(
            ids(&scan(&scanner(), file, text.as_bytes())),
            [rule],
            "{text}"
        );
    }
    let other =
        format!("[{{\"name\":\"DB_PASSWORD\"}},{{\"value\":\"{password}\",\"name\":\"LABEL\"}}]");
    assert_eq!(ids(&scan(&scanner(), "a.json", other.as_bytes())), [""; 0]);
}

#[test]
fn people_choose_passwords_of_any_form() {
    let scanner = scanner();
    for password in [
        "%kT9x!bQ2mWz#LpR",
        "!!a8Kd+2mXq",
        "AiencTkoxJqVsmTpHx",
        "tvO6MJZbInkIEu9Lhbpb",
        "utMwb%d72+gPlV!JdXkL",
        "x(7}a;b=Q,z.9",
        "#a1b2c3D4e5",
    ] {
        for (file, text) in [
            ("a.py", format!("DB_PASSWORD = \"{password}\"\n")),
            ("a.json", format!("{{\"db_password\": \"{password}\"}}")),
            ("a.js", format!("x({{dbPassword:'{password}',a:1}})")),
        ] {
            let found = scan(&scanner, file, text.as_bytes());
            assert_eq!(ids(&found), ["database-password"], "{text}");
            let length = password.chars().count();
            assert!(
                found[0]
                    .redacted
                    .ends_with(&format!("({length} characters)")),
                "{text}"
            );
        }
    }
    for text in [
        "DB_PASSWORD=a8Kd+2mXq&page=2\n",
        "x DB_PASSWORD=a8Kd+2mXq on port\n",
        "db_password: a8Kd+2mXq\r\n",
        "GET /?db_password=a8Kd+2mXq&page=2 HTTP/1.1\n",
        "{\"Env\": [\"PATH=/bin\", \"DB_PASSWORD=a8Kd+2mXq\"]}",
        "DB_PASSWORD=a8Kd+2mXq; export DB_PASSWORD\n",
    ] {
        let found = scan(&scanner, "a.log", text.as_bytes());
        assert_eq!(ids(&found), ["database-password"], "{text}");
        assert!(
            found[0].redacted.ends_with("(9 characters)"),
            "{text}: {}",
            found[0].redacted
        );
    }
}

#[test]
fn a_value_in_the_next_line_has_its_name_above() {
    let random = &mut Random::seeded(3);
    let (password, hex) = ("r7T!xQ2m#9pL", expand("{hex:40}", "", random));
    for (file, text, rule) in [
        (
            "a.json",
            format!("{{\n  \"password\":\n    \"{password}\"\n}}"),
            "generic-password",
        ),
        (
            "a.yaml",
            format!("db:\n  password:\n    {password}\n"),
            "database-password",
        ),
        (
            "a.yaml",
            format!("password: >-\n  {password}\n"),
            "generic-password",
        ),
        (
            "a.yaml",
            format!("password: |\r\n  {password}\r\n"),
            "generic-password",
        ),
        (
            "a.js",
            format!("const password =\n  '{password}';\n"),
            "generic-password",
        ),
        (
            "a.py",
            format!("password = (\n    '{password}'\n)\n"),
            "generic-password",
        ),
        (
            "a.py",
            format!("password = \\\n    '{password}'\n"),
            "generic-password",
        ),
        (
            "a.xml",
            format!("<password>\n  {password}\n</password>\n"),
            "generic-password",
        ),
        (
            "a.json",
            format!("{{\n  \"client_secret\":\n    \"{hex}\"\n}}"),
            "generic-secret",
        ),
    ] {
        assert_eq!(
            ids(&scan(&scanner(), file, text.as_bytes())),
            [rule],
            "{text}"
        );
    }
    for text in [
        format!("password:\n{password}\n"),
        format!("password=\nother={password}\n"),
        format!("password=\n{password}\n"),
        format!("password:\n\n  {password}\n"),
        format!("password\n  {password}\n"),
    ] {
        assert_eq!(
            ids(&scan(&scanner(), "a.conf", text.as_bytes())),
            [""; 0],
            "{text}"
        );
    }
}

#[test]
fn the_second_argument_of_a_call_may_be_a_secret() {
    let password = "r7T!xQ2m#9pL";
    let secret = "Zq8Lm3Vx0Kp7Rt5Wb2";
    for (text, rule) in [
        (
            format!("get(u, auth=('bob', '{password}'))"),
            "generic-password",
        ),
        (
            format!("HTTPBasicAuth(user, \"{password}\")"),
            "generic-password",
        ),
        (
            format!("request.get(u).auth('bob', '{password}')"),
            "generic-password",
        ),
        (
            format!("smtp.login('bob@service.test', '{password}')"),
            "generic-password",
        ),
        (
            format!("jwt.sign({{id: f(1, 2)}}, '{secret}', {{}})"),
            "jwt-signing-secret",
        ),
        (
            format!("jwt.encode(\n    payload,\n    '{secret}',\n)"),
            "jwt-signing-secret",
        ),
        (
            format!("jsonwebtoken_1.default.verify(t, \"{secret}\")"),
            "jwt-signing-secret",
        ),
        (
            format!("(0, jsonwebtoken_1.sign)(t, \"{secret}\")"),
            "jwt-signing-secret",
        ),
    ] {
        assert_eq!(
            ids(&scan(&scanner(), "a.js", text.as_bytes())),
            [rule],
            "{text}"
        );
    }
    for text in [
        "auth('user', 'password')",
        "login('user', process.env.PASSWORD)",
        "author('user', 'r7T!xQ2m#9pL')",
        "jwt.sign(payload, 'shhhhh-this-is-it')",
        "jwt.sign(payload, key)",
    ] {
        assert_eq!(
            ids(&scan(&scanner(), "a.js", text.as_bytes())),
            [""; 0],
            "{text}"
        );
    }
}

#[test]
fn the_last_field_of_a_line_of_pgpass_is_a_password() {
    let text = "# host:port:db:user:q8Zk2Lw9!c\nh.test:5432:app:bob:r7T!xQ2m#9pL\n*:*:*:*:q8Zk2Lw9!x4B\nno fields\n";
    for file in [".pgpass", "pgpass.conf"] {
        let found = scan(&scanner(), file, text.as_bytes());
        assert_eq!(ids(&found), ["database-password", "database-password"]);
        assert_eq!(lines(&found), [Some(2), Some(3)]);
    }
    assert_eq!(ids(&scan(&scanner(), "other", text.as_bytes())), [""; 0]);
}

#[test]
fn a_password_of_pgpass_is_the_rest_of_its_line() {
    let random = &mut Random::seeded(8);
    for (template, length) in [
        ("h:5432:d:u:{upper:2}{digits:2}({an:5}){digits:2}\n", 13),
        ("h:5432:d:u:${upper:2}{lower:2}{digits:4};[,\r\n", 12),
        ("h:5432:d:u:{lower:2}{digits:2} {upper:3}'{lower:3} ", 13),
        (
            "\\:\\:1:5432:d\\\\:u:{lower:2}{digits:1}{upper:2}{digits:1}\\:{an:5}\n",
            13,
        ),
    ] {
        let text = expand(template, "", random);
        let found = scan(&scanner(), ".pgpass", text.as_bytes());
        assert_eq!(ids(&found), ["database-password"], "{text}");
        let shown = format!("({length} characters)");
        assert!(
            found[0].redacted.ends_with(&shown),
            "{text}: {}",
            found[0].redacted
        );
    }
    for text in ["h:5432:d\\:u:r7T!xQ2m#9pL\n", "h:5432:d:u:r7T!x\n"] {
        assert_eq!(
            ids(&scan(&scanner(), ".pgpass", text.as_bytes())),
            [""; 0],
            "{text}"
        );
    }
}
