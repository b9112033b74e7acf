use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};
use wrongdoor_core::side::Side;
use wrongdoor_tests::wire::Dice;

use super::plan::{Answer, Plan};

/// What the peers know of their conversation, by stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    pub(super) requests: BTreeMap<u64, Asked>,
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) authority: String,
    pub(super) saw: Saw,
    /// The other peer has seen it.
    pub(super) arrived: bool,
}

/// What its sender saw of the answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Saw {
    Status(u16),
    Nothing,
    /// It did not wait for this one.
    Cancelled(u16),
}

/// Who wrote what, in order.
pub(super) type Transcript = Vec<(Side, Vec<u8>)>;
type Shared<T> = Arc<Mutex<T>>;

/// Plays one conversation.
pub(super) fn play(dice: &mut Dice) -> Result<(Truth, Transcript)> {
    // The clock stands still as long as anybody has something to do: a timeout is a deadlock.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build()?;
    let (truth, said) = (Shared::<Truth>::default(), Shared::<Transcript>::default());
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(1), converse(dice, &truth, &said)).await
    })??;
    drop(runtime);
    let (truth, said) = (lock(&truth).clone(), lock(&said).clone());
    Ok((truth, said))
}

async fn converse(dice: &mut Dice, truth: &Shared<Truth>, said: &Shared<Transcript>) -> Result<()> {
    let (near, far) = tokio::io::duplex(1 + dice.within(100..100_000));
    let tap = |side, inner| Tap { side, inner, said: Arc::clone(said) };
    let (near, far) = (tap(Side::Client, near), tap(Side::Server, far));
    let plans: Arc<Vec<Plan>> =
        Arc::new((0..10 + dice.within(0..30)).map(|_| Plan::new(dice)).collect());
    let mut server = h2::server::Builder::new();
    server.max_header_list_size(1 << 20).max_concurrent_streams(5 + u32::from(dice.byte()));
    let mut client = h2::client::Builder::new();
    client.max_header_list_size(1 << 20).enable_push(!dice.once_in(3));
    // Room for what is pushed and never read.
    client.initial_connection_window_size(1 << 28).initial_window_size(1 << 24);
    server.initial_connection_window_size(1 << 28).initial_window_size(1 << 24);
    for table in [0, 100, 4096, 20_000] {
        if dice.once_in(4) {
            client.header_table_size(table);
        }
    }
    let server_side = tokio::spawn(serve(server, far, Arc::clone(&plans), Arc::clone(truth)));
    let (send, connection) = client.handshake::<_, Bytes>(near).await?;
    let connection = tokio::spawn(connection);
    let mut tasks = Vec::new();
    for (nth, plan) in plans.iter().enumerate() {
        let ready = send.clone().ready().await?;
        tasks.push(tokio::spawn(ask(ready, nth, plan.clone(), Arc::clone(truth))));
        // Some are answered before the next is asked.
        if dice.once_in(4)
            && let Some(task) = tasks.pop()
        {
            task.await??;
        }
    }
    for task in tasks {
        task.await??;
    }
    drop(send);
    // An end with GOAWAY; what the peers think of it is not at issue.
    drop(connection.await?);
    drop(server_side.await?);
    Ok(())
}

async fn ask(
    mut send: SendRequest<Bytes>,
    nth: usize,
    plan: Plan,
    truth: Shared<Truth>,
) -> Result<()> {
    let uri = format!("http://{}/{nth}", plan.authority);
    let mut request = Request::builder().method(plan.method).uri(uri).body(())?;
    *request.headers_mut() = plan.headers.clone();
    request.headers_mut().insert("x-plan", nth.into());
    let only_head = plan.body == 0 && !plan.trailers && !plan.cancel;
    let (mut response, mut body) = send.send_request(request, only_head)?;
    let stream = u64::from(response.stream_id().as_u32());
    let saw = Saw::Nothing;
    let (method, authority) = (plan.method.to_owned(), plan.authority.clone());
    note(&truth, stream, |known| *known = Asked { method, authority, saw, arrived: known.arrived });
    if plan.cancel {
        body.send_reset(Reason::CANCEL);
        let saw = Saw::Cancelled(plan.answer.status.unwrap_or(0));
        note(&truth, stream, |asked| asked.saw = saw);
        return Ok(());
    }
    if !only_head {
        send_body(&mut body, plan.body, plan.trailers);
    }
    let mut pushes = response.push_promises();
    let pushes = tokio::spawn(async move {
        while let Some(Ok(push)) = pushes.push_promise().await {
            let (_, response) = push.into_parts();
            if let Ok(response) = response.await {
                read_body(response.into_body()).await;
            }
        }
    });
    if let Ok(response) = response.await {
        note(&truth, stream, |asked| asked.saw = Saw::Status(response.status().as_u16()));
        read_body(response.into_body()).await;
    }
    // What is pushed later than that, nobody waits for.
    pushes.abort();
    Ok(())
}

async fn serve(
    builder: h2::server::Builder,
    io: Tap,
    plans: Arc<Vec<Plan>>,
    truth: Shared<Truth>,
) -> Result<()> {
    let mut connection = builder.handshake::<_, Bytes>(io).await?;
    while let Some(Ok((request, respond))) = connection.accept().await {
        let nth = request.headers().get("x-plan").and_then(|nth| nth.to_str().ok()?.parse().ok());
        let plan = nth.and_then(|nth: usize| plans.get(nth)).cloned();
        let stream = u64::from(respond.stream_id().as_u32());
        note(&truth, stream, |asked| asked.arrived = true);
        if let Some(plan) = plan {
            tokio::spawn(answer(request, respond, plan.answer, Arc::clone(&truth)));
        }
    }
    Ok(())
}

async fn answer(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    answer: Answer,
    truth: Shared<Truth>,
) -> Result<(), h2::Error> {
    if let Some(authority) = &answer.push {
        push(&mut respond, authority, &answer, &truth)?;
    }
    read_body(request.into_body()).await;
    let Some(status) = answer.status else {
        respond.send_reset(Reason::INTERNAL_ERROR);
        return Ok(());
    };
    let only_head = answer.body == 0 && !answer.trailers && !answer.reset;
    let mut body = respond.send_response(head(status, &answer.headers), only_head)?;
    if answer.reset {
        // The head goes out first, then the reset; the client has seen the status or not.
        note(&truth, u64::from(body.stream_id().as_u32()), |asked| {
            asked.saw = Saw::Cancelled(status);
        });
        body.send_data(Bytes::from_static(b"some"), false)?;
        body.send_reset(Reason::CANCEL);
    } else if !only_head {
        send_body(&mut body, answer.body, answer.trailers);
    }
    Ok(())
}

fn push(
    respond: &mut SendResponse<Bytes>,
    authority: &str,
    answer: &Answer,
    truth: &Shared<Truth>,
) -> Result<(), h2::Error> {
    let uri = format!("http://{authority}/pushed");
    let Ok(promise) = Request::builder().uri(uri).body(()) else { return Ok(()) };
    // A client that wants none says so, and then there is none.
    let Ok(mut pushed) = respond.push_request(promise) else { return Ok(()) };
    let stream = u64::from(pushed.stream_id().as_u32());
    let mut body = pushed.send_response(head(203, &answer.headers), false)?;
    let (method, authority) = ("GET".to_owned(), authority.to_owned());
    // Where the stream that it came on is reset, the push may never get out.
    let saw = Saw::Cancelled(203);
    note(truth, stream, |asked| *asked = Asked { method, authority, saw, arrived: false });
    send_body(&mut body, answer.body + 1, answer.trailers);
    Ok(())
}

fn head(status: u16, headers: &HeaderMap) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    *response.headers_mut() = headers.clone();
    response
}

/// Errors are those of a stream that the other peer has reset.
fn send_body(stream: &mut SendStream<Bytes>, len: usize, trailers: bool) {
    if len > 0 || !trailers {
        drop(stream.send_data(Bytes::from(vec![b'.'; len]), !trailers));
    }
    if trailers {
        let mut fields = HeaderMap::new();
        fields.insert("x-checksum", len.into());
        drop(stream.send_trailers(fields));
    }
}

async fn read_body(mut body: RecvStream) {
    while let Some(Ok(data)) = body.data().await {
        drop(body.flow_control().release_capacity(data.len()));
    }
    drop(body.trailers().await);
}

fn note(truth: &Shared<Truth>, stream: u64, change: impl FnOnce(&mut Asked)) {
    let unknown = || Asked {
        method: String::new(),
        authority: String::new(),
        saw: Saw::Nothing,
        arrived: false,
    };
    change(lock(truth).requests.entry(stream).or_insert_with(unknown));
}

fn lock<T>(shared: &Shared<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One end, and who listens in.
struct Tap {
    side: Side,
    inner: DuplexStream,
    said: Shared<Transcript>,
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        if let Poll::Ready(Ok(len)) = written
            && let Some(bytes) = bytes.get(..len).filter(|bytes| !bytes.is_empty())
        {
            lock(&self.said).push((self.side, bytes.to_vec()));
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
