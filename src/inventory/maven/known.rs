//! Packages whose jars do not say their group: built by Ant, by Maven 1 or by Gradle, which leave no coordinates. Those that
//! lost theirs are in `known_by_maven.rs`.
//!
//! A row counts for a jar of that file name with classes in that folder, so that neither a name that two packages share
//! nor a folder that a company uses for all of its packages is enough by itself. Group and artifact are those of the
//! public repository of Maven; `docs/java.md` says how they were checked. Where a package moved to another group, each
//! row has the versions that it holds for.

use super::known_by_maven::KNOWN_BY_MAVEN;
use crate::component::Ecosystem;
use crate::version::Version;

#[derive(Debug)]
pub struct Known {
    /// The artifact, or what it begins with before a `*`.
    artifact: &'static str,
    pub group: &'static str,
    /// Where its classes lie.
    folder: &'static str,
    /// From this version on, and before that one; empty where there is no such bound.
    versions: (&'static str, &'static str),
}

const ALL: (&str, &str) = ("", "");

pub(super) const fn row(
    artifact: &'static str,
    group: &'static str,
    folder: &'static str,
) -> Known {
    Known {
        artifact,
        group,
        folder,
        versions: ALL,
    }
}

pub(super) const fn until(before: &'static str, row: Known) -> Known {
    Known {
        versions: (row.versions.0, before),
        ..row
    }
}

pub(super) const fn since(from: &'static str, row: Known) -> Known {
    Known {
        versions: (from, row.versions.1),
        ..row
    }
}

/// The first that holds counts.
#[rustfmt::skip]
const KNOWN: &[Known] = &[
    // Jakarta Commons named groups after artifacts until it moved to Maven 2.
    row("commons-attributes-api", "commons-attributes", "org/apache/commons/attributes/"),
    row("commons-beanutils", "commons-beanutils", "org/apache/commons/beanutils/"),
    row("commons-beanutils-core", "commons-beanutils", "org/apache/commons/beanutils/"),
    row("commons-betwixt", "commons-betwixt", "org/apache/commons/betwixt/"),
    row("commons-chain", "commons-chain", "org/apache/commons/chain/"),
    row("commons-cli", "commons-cli", "org/apache/commons/cli/"),
    row("commons-codec", "commons-codec", "org/apache/commons/codec/"),
    row("commons-collections", "commons-collections", "org/apache/commons/collections/"),
    row("commons-configuration", "commons-configuration", "org/apache/commons/configuration/"),
    row("commons-daemon", "commons-daemon", "org/apache/commons/daemon/"),
    row("commons-dbcp", "commons-dbcp", "org/apache/commons/dbcp/"),
    row("commons-dbutils", "commons-dbutils", "org/apache/commons/dbutils/"),
    row("commons-digester", "commons-digester", "org/apache/commons/digester/"),
    row("commons-discovery", "commons-discovery", "org/apache/commons/discovery/"),
    row("commons-el", "commons-el", "org/apache/commons/el/"),
    row("commons-fileupload", "commons-fileupload", "org/apache/commons/fileupload/"),
    row("commons-httpclient", "commons-httpclient", "org/apache/commons/httpclient/"),
    row("commons-io", "commons-io", "org/apache/commons/io/"),
    row("commons-jxpath", "commons-jxpath", "org/apache/commons/jxpath/"),
    row("commons-lang", "commons-lang", "org/apache/commons/lang/"),
    row("commons-launcher", "commons-launcher", "org/apache/commons/launcher/"),
    row("commons-logging", "commons-logging", "org/apache/commons/logging/"),
    row("commons-logging-api", "commons-logging", "org/apache/commons/logging/"),
    row("commons-modeler", "commons-modeler", "org/apache/commons/modeler/"),
    row("commons-net", "commons-net", "org/apache/commons/net/"),
    row("commons-pool", "commons-pool", "org/apache/commons/pool/"),
    row("commons-primitives", "commons-primitives", "org/apache/commons/collections/primitives/"),
    row("commons-validator", "commons-validator", "org/apache/commons/validator/"),

    // Ant and Maven 1.
    row("classworlds", "classworlds", "org/codehaus/classworlds/"),
    row("tomcat-embed-core", "org.apache.tomcat.embed", "org/apache/catalina/"),
    row("tomcat-embed-el", "org.apache.tomcat.embed", "org/apache/el/"),
    row("tomcat-embed-jasper", "org.apache.tomcat.embed", "org/apache/jasper/"),
    row("tomcat-embed-websocket", "org.apache.tomcat.embed", "org/apache/tomcat/websocket/"),
    row("tomcat-jdbc", "org.apache.tomcat", "org/apache/tomcat/jdbc/"),
    row("tomcat-juli", "org.apache.tomcat", "org/apache/juli/"),
    row("xz", "org.tukaani", "org/tukaani/xz/"),
    row("activation", "javax.activation", "javax/activation/"),
    until("1.7", row("ant", "ant", "org/apache/tools/ant/")),
    since("1.7", row("ant", "org.apache.ant", "org/apache/tools/ant/")),
    until("1.7", row("ant-*", "ant", "org/apache/tools/ant/")),
    since("1.7", row("ant-*", "org.apache.ant", "org/apache/tools/ant/")),
    until("3", row("antlr", "antlr", "antlr/")),
    row("aopalliance", "aopalliance", "org/aopalliance/"),
    until("4", row("asm", "asm", "org/objectweb/asm/")),
    since("4", row("asm", "org.ow2.asm", "org/objectweb/asm/")),
    until("4", row("asm-*", "asm", "org/objectweb/asm/")),
    since("4", row("asm-*", "org.ow2.asm", "org/objectweb/asm/")),
    row("aspectjrt", "org.aspectj", "org/aspectj/"),
    row("aspectjtools", "org.aspectj", "org/aspectj/"),
    row("aspectjweaver", "org.aspectj", "org/aspectj/"),
    until("1.4", row("axis", "axis", "org/apache/axis/")),
    row("bcel", "bcel", "org/apache/bcel/"),
    row("bcmail-jdk*", "org.bouncycastle", "org/bouncycastle/"),
    row("bcpg-jdk*", "org.bouncycastle", "org/bouncycastle/"),
    row("bcpkix-jdk*", "org.bouncycastle", "org/bouncycastle/"),
    row("bcprov-ext-jdk*", "org.bouncycastle", "org/bouncycastle/"),
    row("bcprov-jdk*", "org.bouncycastle", "org/bouncycastle/"),
    row("bctls-jdk*", "org.bouncycastle", "org/bouncycastle/"),
    row("bctsp-jdk*", "org.bouncycastle", "org/bouncycastle/"),
    row("bcutil-jdk*", "org.bouncycastle", "org/bouncycastle/"),
    row("bc-fips", "org.bouncycastle", "org/bouncycastle/"),
    row("bcpkix-fips", "org.bouncycastle", "org/bouncycastle/"),
    row("bctls-fips", "org.bouncycastle", "org/bouncycastle/"),
    since("2.0b4", row("bsh", "org.beanshell", "bsh/")),
    until("0.9.2", row("c3p0", "c3p0", "com/mchange/v2/c3p0/")),
    since("0.9.2", row("c3p0", "com.mchange", "com/mchange/v2/c3p0/")),
    row("castor", "castor", "org/exolab/castor/"),
    until("3", row("cglib", "cglib", "net/sf/cglib/")),
    until("3", row("cglib-nodep", "cglib", "net/sf/cglib/")),
    row("derby", "org.apache.derby", "org/apache/derby/"),
    row("derbyclient", "org.apache.derby", "org/apache/derby/"),
    row("derbynet", "org.apache.derby", "org/apache/derby/"),
    row("derbyshared", "org.apache.derby", "org/apache/derby/"),
    row("derbytools", "org.apache.derby", "org/apache/derby/"),
    until("2", row("dom4j", "dom4j", "org/dom4j/")),
    since("2", row("dom4j", "org.dom4j", "org/dom4j/")),
    since("2.0.3", row("dwr", "org.directwebremoting", "org/directwebremoting/")),
    row("ehcache", "net.sf.ehcache", "net/sf/ehcache/"),
    until("0.93", row("fop", "fop", "org/apache/fop/")),
    since("0.93", row("fop", "org.apache.xmlgraphics", "org/apache/fop/")),
    since("2.3.19", row("freemarker", "org.freemarker", "freemarker/template/")),
    row("h2", "com.h2database", "org/h2/"),
    until("1.8.0.10", row("hsqldb", "hsqldb", "org/hsqldb/")),
    since("2", row("hsqldb", "org.hsqldb", "org/hsqldb/")),
    row("icu4j", "com.ibm.icu", "com/ibm/icu/"),
    row("itext", "com.lowagie", "com/lowagie/text/"),
    since("3.6", row("jasperreports", "net.sf.jasperreports", "net/sf/jasperreports/")),
    until("2", row("javax.inject", "javax.inject", "javax/inject/")),
    row("jaxen", "jaxen", "org/jaxen/"),
    until("1.0.17", row("jcommon", "jfree", "org/jfree/")),
    since("1.0.17", row("jcommon", "org.jfree", "org/jfree/")),
    until("1.1", row("jdom", "jdom", "org/jdom/")),
    since("1.1.1", row("jdom", "org.jdom", "org/jdom/")),
    row("jdom2", "org.jdom", "org/jdom2/"),
    until("1.0.14", row("jfreechart", "jfree", "org/jfree/chart/")),
    since("1.0.14", row("jfreechart", "org.jfree", "org/jfree/chart/")),
    row("json-lib", "net.sf.json-lib", "net/sf/json/"),
    row("jsr305", "com.google.code.findbugs", "javax/annotation/meta/"),
    row("jta", "javax.transaction", "javax/transaction/"),
    row("junit", "junit", "junit/framework/"),
    row("log4j", "log4j", "org/apache/log4j/"),
    row("lucene-*", "org.apache.lucene", "org/apache/lucene/"),
    row("mail", "javax.mail", "javax/mail/"),
    row("mysql-connector-java", "mysql", "com/mysql/"),
    row("mysql-connector-j", "com.mysql", "com/mysql/"),
    until("2.7", row("ognl", "opensymphony", "ognl/")),
    since("2.7", row("ognl", "ognl", "ognl/")),
    row("oro", "oro", "org/apache/oro/"),
    row("poi", "org.apache.poi", "org/apache/poi/"),
    row("poi-*", "org.apache.poi", "org/apache/poi/"),
    row("poi-ooxml-schemas", "org.apache.poi", "org/openxmlformats/schemas/"),
    row("poi-ooxml-lite", "org.apache.poi", "org/openxmlformats/schemas/"),
    row("poi-ooxml-full", "org.apache.poi", "org/openxmlformats/schemas/"),
    row("ooxml-schemas", "org.apache.poi", "org/openxmlformats/schemas/"),
    until("9.2", row("postgresql", "postgresql", "org/postgresql/")),
    since("9.2", row("postgresql", "org.postgresql", "org/postgresql/")),
    until("1.7", row("quartz", "opensymphony", "org/quartz/")),
    since("1.7", row("quartz", "org.quartz-scheduler", "org/quartz/")),
    row("regexp", "regexp", "org/apache/regexp/"),
    row("rhino", "org.mozilla", "org/mozilla/javascript/"),
    row("js", "rhino", "org/mozilla/javascript/"),
    row("saxpath", "saxpath", "org/saxpath/"),
    until("2.5-1", row("servlet-api", "javax.servlet", "javax/servlet/")),
    until("2.1", row("jsp-api", "javax.servlet", "javax/servlet/jsp/")),
    since("2.1", row("jsp-api", "javax.servlet.jsp", "javax/servlet/jsp/")),
    row("serializer", "xalan", "org/apache/xml/serializer/"),
    row("sitemesh", "opensymphony", "com/opensymphony/sitemesh/"),
    row("standard", "taglibs", "org/apache/taglibs/standard/"),
    row("struts", "struts", "org/apache/struts/"),
    until("1.5", row("velocity", "velocity", "org/apache/velocity/")),
    since("1.5", row("velocity", "org.apache.velocity", "org/apache/velocity/")),
    row("wsdl4j", "wsdl4j", "com/ibm/wsdl/"),
    row("xalan", "xalan", "org/apache/xalan/"),
    row("xercesImpl", "xerces", "org/apache/xerces/"),
    row("xml-apis", "xml-apis", "org/w3c/dom/"),
    since("2.3", row("xmlbeans", "org.apache.xmlbeans", "org/apache/xmlbeans/")),
    row("xmlpull", "xmlpull", "org/xmlpull/"),
    row("xmlrpc", "xmlrpc", "org/apache/xmlrpc/"),
    until("1.4", row("xmlsec", "xml-security", "org/apache/xml/security/")),
    until("1.3", row("xstream", "xstream", "com/thoughtworks/xstream/")),
    since("1.3", row("xstream", "com.thoughtworks.xstream", "com/thoughtworks/xstream/")),

    // Spring, which Gradle and before it Ant built: a group for each of its projects.
    row("spring-amqp", "org.springframework.amqp", "org/springframework/amqp/"),
    row("spring-rabbit*", "org.springframework.amqp", "org/springframework/amqp/"),
    row("spring-batch-core", "org.springframework.batch", "org/springframework/batch/"),
    row("spring-batch-infrastructure", "org.springframework.batch", "org/springframework/batch/"),
    row("spring-batch-integration", "org.springframework.batch", "org/springframework/batch/"),
    row("spring-batch-test", "org.springframework.batch", "org/springframework/batch/"),
    row("spring-boot*", "org.springframework.boot", "org/springframework/boot/"),
    row("spring-boot-starter*", "org.springframework.boot", "META-INF/"),
    row("spring-graphql", "org.springframework.graphql", "org/springframework/graphql/"),
    row("spring-integration-*", "org.springframework.integration", "org/springframework/integration/"),
    row("spring-kafka*", "org.springframework.kafka", "org/springframework/kafka/"),
    row("spring-ldap-*", "org.springframework.ldap", "org/springframework/"),
    row("spring-security-oauth2", "org.springframework.security.oauth", "org/springframework/security/"),
    row("spring-security-oauth2-autoconfigure", "org.springframework.security.oauth.boot", "org/springframework/"),
    row("spring-security-kerberos-*", "org.springframework.security.kerberos", "org/springframework/security/"),
    row("spring-security-saml2-core", "org.springframework.security.extensions", "org/springframework/security/"),
    row("spring-security-*", "org.springframework.security", "org/springframework/security/"),
    row("spring-session-*", "org.springframework.session", "org/springframework/session/"),
    row("spring-webflow", "org.springframework.webflow", "org/springframework/webflow/"),
    row("spring-ws-*", "org.springframework.ws", "org/springframework/ws/"),
    row("spring-aop", "org.springframework", "org/springframework/aop/"),
    row("spring-aspects", "org.springframework", "org/springframework/"),
    row("spring-beans", "org.springframework", "org/springframework/beans/"),
    row("spring-context", "org.springframework", "org/springframework/context/"),
    row("spring-context-support", "org.springframework", "org/springframework/"),
    row("spring-core", "org.springframework", "org/springframework/core/"),
    row("spring-core-test", "org.springframework", "org/springframework/core/test/"),
    row("spring-expression", "org.springframework", "org/springframework/expression/"),
    row("spring-instrument", "org.springframework", "org/springframework/instrument/"),
    row("spring-jcl", "org.springframework", "org/apache/commons/logging/"),
    row("spring-jdbc", "org.springframework", "org/springframework/jdbc/"),
    row("spring-jms", "org.springframework", "org/springframework/jms/"),
    row("spring-messaging", "org.springframework", "org/springframework/messaging/"),
    row("spring-orm", "org.springframework", "org/springframework/orm/"),
    row("spring-oxm", "org.springframework", "org/springframework/oxm/"),
    row("spring-r2dbc", "org.springframework", "org/springframework/r2dbc/"),
    row("spring-test", "org.springframework", "org/springframework/test/"),
    row("spring-tx", "org.springframework", "org/springframework/transaction/"),
    row("spring-web", "org.springframework", "org/springframework/"),
    row("spring-webflux", "org.springframework", "org/springframework/web/"),
    row("spring-webmvc", "org.springframework", "org/springframework/web/"),
    row("spring-websocket", "org.springframework", "org/springframework/web/socket/"),
    until("3", row("spring", "org.springframework", "org/springframework/")),

    // Gradle and sbt.
    since("13", row("annotations", "org.jetbrains", "org/jetbrains/annotations/")),
    row("bson", "org.mongodb", "org/bson/"),
    row("checker-qual", "org.checkerframework", "org/checkerframework/"),
    row("conscrypt-*", "org.conscrypt", "org/conscrypt/"),
    since("3.2.2", row("jna", "net.java.dev.jna", "com/sun/jna/")),
    row("jna-platform", "net.java.dev.jna", "com/sun/jna/platform/"),
    row("mongo-java-driver", "org.mongodb", "com/mongodb/"),
    row("mongodb-driver-*", "org.mongodb", "com/mongodb/"),
    row("opencensus-*", "io.opencensus", "io/opencensus/"),
    row("perfmark-api", "io.perfmark", "io/perfmark/"),
    row("caffeine", "com.github.ben-manes.caffeine", "com/github/benmanes/caffeine/"),
    row("converter-*", "com.squareup.retrofit2", "retrofit2/converter/"),
    row("dagger", "com.google.dagger", "dagger/"),
    row("elasticsearch", "org.elasticsearch", "org/elasticsearch/"),
    row("elasticsearch-rest-client*", "org.elasticsearch.client", "org/elasticsearch/client/"),
    row("elasticsearch-rest-high-level-client", "org.elasticsearch.client", "org/elasticsearch/client/"),
    row("elasticsearch-java", "co.elastic.clients", "co/elastic/clients/"),
    row("graphql-java", "com.graphql-java", "graphql/"),
    until("4", row("groovy", "org.codehaus.groovy", "org/codehaus/groovy/")),
    until("4", row("groovy-all", "org.codehaus.groovy", "org/codehaus/groovy/")),
    until("4", row("groovy-*", "org.codehaus.groovy", "groovy/")),
    since("4", row("groovy", "org.apache.groovy", "org/codehaus/groovy/")),
    since("4", row("groovy-*", "org.apache.groovy", "groovy/")),
    row("grpc-*", "io.grpc", "io/grpc/"),
    until("6", row("hibernate-core", "org.hibernate", "org/hibernate/")),
    since("6", row("hibernate-core", "org.hibernate.orm", "org/hibernate/")),
    row("hibernate-entitymanager", "org.hibernate", "org/hibernate/jpa/"),
    row("kafka-clients", "org.apache.kafka", "org/apache/kafka/"),
    row("kafka-streams", "org.apache.kafka", "org/apache/kafka/streams/"),
    row("kafka_2.*", "org.apache.kafka", "kafka/"),
    row("kotlin-reflect", "org.jetbrains.kotlin", "kotlin/reflect/"),
    row("kotlin-stdlib", "org.jetbrains.kotlin", "kotlin/"),
    row("kotlin-stdlib-*", "org.jetbrains.kotlin", "META-INF/"),
    row("kotlinx-coroutines-*", "org.jetbrains.kotlinx", "kotlinx/coroutines/"),
    row("kotlinx-datetime*", "org.jetbrains.kotlinx", "kotlinx/datetime/"),
    row("kotlinx-serialization-*", "org.jetbrains.kotlinx", "kotlinx/serialization/"),
    row("ktor-*", "io.ktor", "io/ktor/"),
    row("logging-interceptor", "com.squareup.okhttp3", "okhttp3/logging/"),
    row("lombok", "org.projectlombok", "lombok/"),
    row("micrometer-*", "io.micrometer", "io/micrometer/"),
    row("micronaut-aop", "io.micronaut", "io/micronaut/"),
    row("micronaut-buffer-netty", "io.micronaut", "io/micronaut/"),
    row("micronaut-context", "io.micronaut", "io/micronaut/"),
    row("micronaut-core", "io.micronaut", "io/micronaut/"),
    row("micronaut-http", "io.micronaut", "io/micronaut/"),
    row("micronaut-http-client", "io.micronaut", "io/micronaut/"),
    row("micronaut-http-client-core", "io.micronaut", "io/micronaut/"),
    row("micronaut-http-netty", "io.micronaut", "io/micronaut/"),
    row("micronaut-http-server", "io.micronaut", "io/micronaut/"),
    row("micronaut-http-server-netty", "io.micronaut", "io/micronaut/"),
    row("micronaut-inject", "io.micronaut", "io/micronaut/"),
    row("micronaut-jackson-core", "io.micronaut", "io/micronaut/"),
    row("micronaut-jackson-databind", "io.micronaut", "io/micronaut/"),
    row("micronaut-json-core", "io.micronaut", "io/micronaut/"),
    row("micronaut-retry", "io.micronaut", "io/micronaut/"),
    row("micronaut-router", "io.micronaut", "io/micronaut/"),
    row("micronaut-runtime", "io.micronaut", "io/micronaut/"),
    row("micronaut-websocket", "io.micronaut", "io/micronaut/"),
    row("moshi*", "com.squareup.moshi", "com/squareup/moshi/"),
    until("3", row("okhttp", "com.squareup.okhttp", "com/squareup/okhttp/")),
    since("3", row("okhttp", "com.squareup.okhttp3", "okhttp3/")),
    since("3", row("okhttp-*", "com.squareup.okhttp3", "okhttp3/")),
    row("okio*", "com.squareup.okio", "okio/"),
    row("opensearch", "org.opensearch", "org/opensearch/"),
    row("opentelemetry-api", "io.opentelemetry", "io/opentelemetry/"),
    row("opentelemetry-context", "io.opentelemetry", "io/opentelemetry/"),
    row("opentelemetry-exporter-*", "io.opentelemetry", "io/opentelemetry/"),
    row("opentelemetry-sdk", "io.opentelemetry", "io/opentelemetry/"),
    row("opentelemetry-sdk-*", "io.opentelemetry", "io/opentelemetry/"),
    row("reactive-streams", "org.reactivestreams", "org/reactivestreams/"),
    row("reactor-core", "io.projectreactor", "reactor/core/"),
    row("reactor-netty", "io.projectreactor.netty", "reactor/netty/"),
    row("reactor-netty-core", "io.projectreactor.netty", "reactor/netty/"),
    row("reactor-netty-http", "io.projectreactor.netty", "reactor/netty/"),
    row("resilience4j-*", "io.github.resilience4j", "io/github/resilience4j/"),
    row("retrofit", "com.squareup.retrofit2", "retrofit2/"),
    row("rxjava", "io.reactivex.rxjava3", "io/reactivex/rxjava3/"),
    until("3", row("rxjava", "io.reactivex.rxjava2", "io/reactivex/")),
    until("2", row("rxjava", "io.reactivex", "rx/")),
    row("sentry*", "io.sentry", "io/sentry/"),
    row("wire-*", "com.squareup.wire", "com/squareup/wire/"),
    row("scala-compiler", "org.scala-lang", "scala/tools/"),
    row("scala-library", "org.scala-lang", "scala/"),
    row("scala-reflect", "org.scala-lang", "scala/reflect/"),
    row("scala3-library_3", "org.scala-lang", "scala/"),
    row("scala-xml_*", "org.scala-lang.modules", "scala/xml/"),
    row("scala-parser-combinators_*", "org.scala-lang.modules", "scala/util/parsing/"),
    row("scala-java8-compat_*", "org.scala-lang.modules", "scala/compat/java8/"),
    row("scala-collection-compat_*", "org.scala-lang.modules", "scala/"),
    row("config", "com.typesafe", "com/typesafe/config/"),
];

/// The rows of an artifact, of any version.
pub fn of_artifact(artifact: &str) -> impl Iterator<Item = &'static Known> {
    KNOWN
        .iter()
        .chain(KNOWN_BY_MAVEN)
        .filter(move |known| match known.artifact.strip_suffix('*') {
            Some(start) => artifact.starts_with(start),
            None => known.artifact == artifact,
        })
}

/// Whether coordinates are those of a package in the table, which is nobody's own project.
pub fn is_known(group: &str, artifact: &str) -> bool {
    of_artifact(artifact).any(|known| known.group == group)
}

impl Known {
    /// Whether an entry is what the row asks for: a class, or where there need not be any, a file in `META-INF`.
    pub fn has(&self, name: &str, is_class: bool) -> bool {
        is_class != self.folder.starts_with("META-INF/") && name.starts_with(self.folder)
    }

    /// Whether the row holds for a version; for one that is not known only if it holds for all.
    pub fn holds_for(&self, version: Option<&str>) -> bool {
        if self.versions == ALL {
            return true;
        }
        let parse = |text: &str| Version::parse(Ecosystem::Maven, text);
        let Some(version) = version.and_then(parse) else {
            return false;
        };
        let (from, before) = self.versions;
        parse(from).is_none_or(|from| from <= version)
            && parse(before).is_none_or(|before| version < before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::maven::coordinates::is_id;

    fn group(artifact: &str, version: Option<&str>) -> Option<&'static str> {
        let known = of_artifact(artifact).find(|known| known.holds_for(version));
        known.map(|known| known.group)
    }

    #[test]
    fn rows_are_well_formed() {
        for known in KNOWN.iter().chain(KNOWN_BY_MAVEN) {
            let name = known.artifact;
            assert!(
                is_id(known.group) && is_id(name.trim_end_matches('*')),
                "{name}"
            );
            assert!(
                known.folder.ends_with('/') && !known.folder.starts_with('/'),
                "{name}"
            );
            for bound in [known.versions.0, known.versions.1] {
                assert!(
                    bound.is_empty() || Version::parse(Ecosystem::Maven, bound).is_some(),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn a_package_that_moved_is_known_by_its_version() {
        assert_eq!(group("quartz", Some("1.6.3")), Some("opensymphony"));
        assert_eq!(group("quartz", Some("2.3.2")), Some("org.quartz-scheduler"));
        assert_eq!(group("quartz", None), None);
        assert_eq!(group("spring-core", None), Some("org.springframework"));
        assert_eq!(
            group("spring-boot-actuator", None),
            Some("org.springframework.boot")
        );
        assert_eq!(group("spring-core-of-mine", None), None);
        assert_eq!(group("jsch", Some("0.1.55")), Some("com.jcraft"));
        assert_eq!(group("jsch", Some("0.2.9")), Some("com.github.mwiede"));
    }
}
