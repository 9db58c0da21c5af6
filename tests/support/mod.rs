//! What the tests of the program share: running it, and making artifacts.
#![allow(dead_code, reason = "each test file uses a part")]

pub mod authority;
pub mod server;

use std::fs;
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{self, Child, ChildStdin, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Nothing here takes seconds; what hangs must fail and not hang the tests.
const PATIENCE: Duration = Duration::from_secs(120);
const PROGRAM: &str = env!("CARGO_BIN_EXE_fnaudit");

/// A folder to work in, and a home without a database.
pub struct Workplace {
    dir: TempDir,
}

pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Workplace {
    pub fn new() -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        Workplace { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn zip(&self, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
        self.file(name, zip(files))
    }

    /// The program, run in this folder with nothing of the machine's user in sight.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = self.process(PROGRAM);
        command.args(args);
        with_patience(command)
    }

    /// The program, run by a shell, to which it is `$0` and the arguments are `$@`.
    pub fn shell(&self, script: &str, args: &[&str]) -> Command {
        let mut command = self.process("sh");
        command.args(["-c", script, PROGRAM]).args(args);
        with_patience(command)
    }

    /// A shell command, in which the program is `$PROGRAM`, on a terminal. None where there is no program to make one.
    pub fn terminal(&self, command: &str) -> Option<Command> {
        let version = self.shell("script --version", &[]).output().unwrap();
        if !String::from_utf8_lossy(&version.stdout).contains("util-linux") {
            eprintln!("skipped: there is no util-linux `script` here");
            return None;
        }
        let script = format!("export PROGRAM=\"$0\"; exec script -qec '{command}' /dev/null");
        let mut shell = self.shell(&script, &[]);
        shell.env("SHELL", "/bin/sh");
        Some(shell)
    }

    /// The program, run beside the test.
    pub fn start(&self, args: &[&str]) -> Running {
        Running::start(self.process(PROGRAM).args(args))
    }

    fn process(&self, program: &str) -> process::Command {
        let mut command = process::Command::new(program);
        for name in [
            "CI",
            "FNAUDIT_DB",
            "FNAUDIT_OSV_URL",
            "FNAUDIT_KEV_URL",
            "FNAUDIT_EPSS_URL",
            "FNAUDIT_CA_CERT",
        ] {
            command.env_remove(name);
        }
        command
            .current_dir(self.dir.path())
            .env("NO_PROXY", "127.0.0.1")
            .env("HOME", self.path("home"))
            .env("XDG_CACHE_HOME", self.path("home/cache"))
            .env("NO_COLOR", "1")
            .env("COLUMNS", "100");
        command
    }

    pub fn run(&self, args: &[&str]) -> Run {
        Run::of(self.command(args).output().unwrap())
    }

    /// Runs elsewhere, so that the paths in what is printed are the same on every machine.
    pub fn run_in(&self, dir: &str, args: &[&str]) -> Run {
        Run::of(self.command(args).current_dir(dir).output().unwrap())
    }

    pub fn run_with_input(&self, args: &[&str], input: Vec<u8>) -> Run {
        Run::of(self.command(args).write_stdin(input).output().unwrap())
    }

    /// Audits one artifact to JSON; the exit status must not be 2.
    pub fn report(&self, artifact: &str) -> Value {
        let run = self.run(&[artifact, "--format", "json", "-q"]);
        assert_ne!(run.status, 2, "{}", run.stderr);
        run.json()
    }

    /// Everything in the folder, to see that nothing was written.
    pub fn listing(&self) -> Vec<PathBuf> {
        walkdir::WalkDir::new(self.dir.path())
            .sort_by_file_name()
            .into_iter()
            .map(|entry| entry.unwrap().into_path())
            .collect()
    }
}

fn with_patience(command: process::Command) -> Command {
    let mut command = Command::from_std(command);
    command.timeout(PATIENCE);
    command
}

/// A run beside the test, which it does not outlive.
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Receiver<String>,
    said: String,
}

impl Running {
    fn start(command: &mut process::Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.stderr(Stdio::piped()).spawn().unwrap();
        let mut out = child.stdout.take().unwrap();
        let err = BufReader::new(child.stderr.take().unwrap());
        let stdout = thread::spawn(move || {
            let mut bytes = Vec::new();
            out.read_to_end(&mut bytes).unwrap();
            bytes
        });
        let (sender, stderr) = channel();
        thread::spawn(move || {
            let mut lines = err.lines().map_while(Result::ok);
            lines.try_for_each(|line| sender.send(line + "\n"))
        });
        Running {
            child,
            stdout: Some(stdout),
            stderr,
            said: String::new(),
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().unwrap()
    }

    /// Waits until it says a line on standard error.
    pub fn next_line(&mut self) -> String {
        let line = self.stderr.recv_timeout(PATIENCE);
        let line = line.expect("it says something on standard error");
        self.said += &line;
        line
    }

    pub fn finish(mut self) -> Run {
        drop(self.child.stdin.take());
        let started = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(started.elapsed() < PATIENCE, "it hangs"),
            }
            thread::sleep(Duration::from_millis(5));
        };
        self.said.extend(self.stderr.iter());
        Run::of(Output {
            status,
            stdout: self.stdout.take().unwrap().join().unwrap(),
            stderr: std::mem::take(&mut self.said).into_bytes(),
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where it has ended there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Run {
    pub fn of(output: Output) -> Self {
        let run = Run {
            status: output.status.code().expect("it was not killed"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        run
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect("standard output is one JSON document")
    }
}

pub fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// `ecosystem name version scope evidence` of each package.
pub fn packages(report: &Value) -> Vec<String> {
    let row = |p: &Value| {
        let text = |key: &str| p[key].as_str().unwrap_or("-").to_owned();
        ["ecosystem", "name", "version", "scope", "evidence"]
            .map(text)
            .join(" ")
    };
    report["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect()
}

/// `path: message` of each `errors` row, with the artifact's folder left out.
pub fn errors(report: &Value) -> Vec<String> {
    let row = |e: &Value| {
        format!(
            "{}: {}",
            e["path"].as_str().unwrap(),
            e["message"].as_str().unwrap()
        )
    };
    report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect()
}

/// `rule location` of each finding's first location.
pub fn findings(report: &Value) -> Vec<String> {
    let row = |f: &Value| {
        let rule = f["rule"].as_str().unwrap();
        format!("{rule} {}", f["locations"][0]["path"].as_str().unwrap())
    };
    report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(row)
        .collect()
}

/// A wheel's metadata as an installer leaves it.
pub fn metadata(name: &str, version: &str) -> Vec<u8> {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nText.\n").into_bytes()
}

/// Whether the tests run as a user whom no permission stops.
pub fn is_superuser(dir: &Path) -> bool {
    let probe = dir.join("probe");
    fs::create_dir(&probe).unwrap();
    let mut permissions = fs::metadata(&probe).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&probe, permissions).unwrap();
    fs::write(probe.join("file"), "").is_ok()
}
