//! curl: one run, one connection.

use anyhow::{Result, ensure};

use super::{Ask, Told};
use crate::curl::Curl;
use crate::live::{Ground, Truth, process};

pub(super) fn ask(ground: &Ground, port: u16, ask: &Ask) -> Result<Told> {
    let url = format!("https://{}:{port}/", ask.sni.as_deref().unwrap_or("127.0.0.1"));
    let mut curl: Option<Curl> = None;
    for authority in &ask.authorities {
        let next = match curl.take() {
            None => Curl::new(&url, ask.http)?,
            Some(curl) => curl.next(&url, ask.http)?,
        };
        curl = Some(next.trust(ground.root()).host(authority));
    }
    let Some(curl) = curl else { anyhow::bail!("nothing to ask for") };
    let finished = process::run(&mut curl.into_command())?;
    let answers = Curl::answers(&finished.stdout)?;
    ensure!(answers.len() == ask.authorities.len(), "curl said {}", finished.stdout);
    let mut stream = 0;
    let mut last = 0;
    let row = |(authority, answer): (&String, crate::curl::Answer)| {
        stream = if answer.port == last { stream + 1 } else { 1 };
        last = answer.port;
        Truth {
            client: format!("127.0.0.1:{}", answer.port),
            server: format!("127.0.0.1:{port}"),
            sni: ask.sni.clone(),
            host: authority.clone(),
            status: answer.status,
            http_version: answer.version,
            method: "GET".to_owned(),
            // One after the other: HTTP/2 numbers its streams 1, 3, 5.
            stream: Some(if ask.http == crate::curl::Http::Two { stream * 2 - 1 } else { stream }),
            pid: Some(u64::from(finished.pid)),
        }
    };
    let rows: Vec<Truth> = ask.authorities.iter().zip(answers).map(row).collect();
    Ok(Told { pid: finished.pid, count: rows.len(), rows: Some(rows) })
}
