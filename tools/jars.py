#!/usr/bin/env python3
"""The survey of docs/java.md: downloads jars, and compares what fnaudit calls them with what they are.

usage: tools/jars.py FNAUDIT FOLDER [LIST]     (needs python3, mvn and a network)

LIST has a Maven coordinate in each line (GROUP:ARTIFACT:VERSION[:jar:CLASSIFIER]); by default it is the one below.
What a jar is, is the coordinate that it was downloaded by, and what was unpacked into it, the coordinates in its
META-INF/maven, which are read here by other means. Jars are kept in FOLDER.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

JARS = """
commons-collections:commons-collections:3.2.1
log4j:log4j:1.2.17
javax.servlet:servlet-api:2.5
com.google.guava:guava:18.0
commons-beanutils:commons-beanutils:1.7.0
xerces:xercesImpl:2.9.1
jaxen:jaxen:1.1.1
dom4j:dom4j:1.6.1
ognl:ognl:3.0.6
opensymphony:quartz:1.6.3
struts:struts:1.2.9
org.apache.velocity:velocity:1.7
commons-httpclient:commons-httpclient:3.1
mysql:mysql-connector-java:5.1.40
com.h2database:h2:1.4.200
net.sf.json-lib:json-lib:2.4:jar:jdk15
org.bouncycastle:bcprov-jdk15on:1.60
org.springframework:spring-core:3.0.5.RELEASE
org.springframework:spring-core:5.3.17
org.scala-lang:scala-library:2.12.10
com.typesafe.akka:akka-actor_2.12:2.5.20
com.fasterxml.jackson.module:jackson-module-scala_2.13:2.13.0
org.jetbrains.kotlin:kotlin-stdlib:1.6.0
com.squareup.okhttp3:okhttp:4.9.0
org.elasticsearch:elasticsearch-x-content:7.0.0
com.amazonaws:aws-lambda-java-events:3.11.0
io.netty:netty:3.9.0.Final
io.netty:netty-all:4.0.37.Final
io.grpc:grpc-netty-shaded:1.30.0
org.apache.xbean:xbean-asm6-shaded:4.8
com.sun.jersey:jersey-bundle:1.19
org.jruby:jruby-stdlib:9.1.0.0
org.apache.kafka:kafka-clients:2.3.0
org.hibernate:hibernate-core:5.4.24.Final
org.apache.poi:poi-ooxml:4.1.0
io.micrometer:micrometer-core:1.5.0
org.apache.derby:derby:10.12.1.1
io.projectreactor:reactor-core:3.4.0
org.codehaus.groovy:groovy:2.4.7
org.apache.ant:ant:1.9.4
javax.mail:mail:1.4.1
xalan:xalan:2.7.1
"""


def download(coordinate, folder):
    """The jar of a coordinate, by Maven's own client."""
    parts = coordinate.split(":")
    artifact, version = parts[1], parts[2]
    classifier = f"-{parts[4]}" if len(parts) > 4 else ""
    jar = folder / f"{artifact}-{version}{classifier}.jar"
    if not jar.exists():
        command = ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={coordinate}", f"-DoutputDirectory={folder}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return jar


def unpacked_into(jar):
    """The coordinates of the pom.properties in a jar."""
    found = set()
    with zipfile.ZipFile(jar) as archive:
        for name in archive.namelist():
            if re.fullmatch(r"META-INF/maven/[^/]+/[^/]+/pom\.properties", name):
                text = archive.read(name).decode("latin-1")
                said = dict(re.findall(r"^(\w+)\s*=\s*(\S+)", text, re.M))
                found.add(f"{said['groupId']}:{said['artifactId']}:{said['version']}")
    return found


def report(fnaudit, jar):
    """What is said of a function with the jar among its libraries."""
    with tempfile.TemporaryDirectory() as folder:
        function = pathlib.Path(folder) / "function.zip"
        with zipfile.ZipFile(function, "w") as archive:
            archive.writestr("Handler.class", b"\xca\xfe\xba\xbe")
            archive.write(jar, f"lib/{jar.name}")
        command = [fnaudit, "inventory", str(function), "--format", "json", "-q"]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def is_of(row, jar):
    """Whether a row is about the jar itself, and not about one within it."""
    paths = [location["path"] for location in row["locations"]]
    inner = [path.split(f"lib/{jar.name}", 1)[1][2:] for path in paths]
    return any("!/" not in path and not path.endswith(".jar") for path in inner)


def main():
    fnaudit, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    coordinates = pathlib.Path(sys.argv[3]).read_text() if len(sys.argv) > 3 else JARS
    folder.mkdir(parents=True, exist_ok=True)
    print("| jar | is | named | wrong | by |\n| --- | --- | --- | --- | --- |")
    totals = [0, 0, 0]
    for coordinate in coordinates.split():
        jar = download(coordinate, folder)
        itself = ":".join(coordinate.split(":")[:3])
        truth = {itself} | unpacked_into(jar)
        rows = [row for row in report(fnaudit, jar)["packages"] if row["ecosystem"] == "Maven" and is_of(row, jar)]
        found = {f"{row['name']}:{row['version']}": row["evidence"] for row in rows}
        wrong = sorted(set(found) - truth)
        by = found.get(itself, "not named")
        print(f"| `{itself}` | {len(truth)} | {len(truth & set(found))} | {', '.join(wrong) or '0'} | {by} |")
        for i, n in enumerate((len(truth), len(truth & set(found)), len(wrong))):
            totals[i] += n
    print("| all | {} | {} | {} | |".format(*totals))


if __name__ == "__main__":
    main()
