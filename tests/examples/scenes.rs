use wrongdoor_tests::scenario::*;
fn show(name:&str, r: anyhow::Result<Scene>) {
  match r { Ok(s)=>{ println!("{name}: ok {} sent", s.sent.len());
     std::fs::create_dir_all("/tmp/scenes").unwrap();
     std::fs::copy(s.capture(), format!("/tmp/scenes/{name}.pcap")).unwrap();
     std::fs::copy(s.keylog(), format!("/tmp/scenes/{name}.keys")).unwrap();
     }, Err(e)=>println!("{name}: {e:?}") }
}
fn main(){
  let t=std::time::Instant::now();
  show("demo", demo());
  show("apache", apache_two_hosts()); show("no_sni", no_sni()); show("mtls", client_certificates()); show("coalescing", coalescing());
  for u in [Upstream::NoSni, Upstream::HostName, Upstream::Pool] { show(&format!("{u:?}"), proxy_chain(u)); }
  for s in SUITES { show(&format!("{}-{}-{}",s.version,s.cipher,s.encrypt_then_mac), tls_suite(*s)); }
  println!("{:?}", t.elapsed());
}
