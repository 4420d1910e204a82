use serde_json::json;

use super::{BadFault, Fault, TROUBLES, Trouble};

#[test]
fn every_fault_reads_back_as_it_is_written() {
    for text in [
        "answer=nginx-502,on=token,times=1",
        "deep-json,on=token,times=1",
        "drip=1s,on=any,times=1",
        "duplicate-keys,on=token,times=1",
        "endless-body,on=token,times=1",
        "endless-headers,on=token,times=1",
        "expires-in=\"900\",on=token,times=1",
        "gzip-bomb,on=token,times=1",
        "half-close,on=token,times=1",
        "hang,on=token,times=forever",
        "redirect=307,to=https://elsewhere.example/x,on=token,times=1",
        "reset,probability=0.5,on=token,times=1",
        "reset-mid-body,on=token,times=1",
        "reset-on-accept,on=token,times=1",
        "status=503,delay=2s,retry-after=date-60,on=api,times=3",
        "status=200,content-type=text/plain,body=hm,on=token,times=1",
        "token=bidi,on=token,times=1",
        "token-type=mac,on=token,times=1",
        "torn-body,on=token,times=1",
        "late,delay=250ms,on=token,times=1",
    ] {
        assert_eq!(text.parse::<Fault>().unwrap().to_string(), text);
    }
}

#[test]
fn every_word_for_a_trouble_means_that_trouble() {
    for name in TROUBLES {
        let text = match name {
            "answer" => "answer=empty-200",
            "status" => "status=500",
            "redirect" => "redirect=302,to=/",
            "expires-in" => "expires-in=missing",
            "token" => "token=huge",
            "drip" => "drip=1ms",
            plain => plain,
        };
        assert_eq!(text.parse::<Fault>().unwrap().trouble.key(), name);
    }
}

#[test]
fn a_fault_in_json_says_the_same_as_a_flag() {
    let json = json!({"status": 429, "retry_after": "Wed, 21 Oct 2015 07:28:00 GMT", "times": "forever"});
    let fault = Fault::try_from(&json).unwrap();
    assert_eq!(fault, Fault::status(429).retry_after("Wed, 21 Oct 2015 07:28:00 GMT").forever());
    assert_eq!(Fault::try_from(&json!({"hang": true})), Ok(Fault::hang()));
}

#[test]
fn a_delay_alone_is_a_fault() {
    let fault: Fault = "delay=1s".parse().unwrap();
    assert_eq!((fault.trouble, fault.delay.as_secs()), (Trouble::Late, 1));
}

#[test]
fn what_makes_no_sense_is_refused_with_the_word_that_made_none() {
    assert_eq!("times=3".parse::<Fault>(), Err(BadFault::NoTrouble));
    assert_eq!(
        "hang,status=500".parse::<Fault>(),
        Err(BadFault::TwoTroubles("hang".into(), "status".into()))
    );
    assert_eq!("hang,tims=3".parse::<Fault>(), Err(BadFault::UnknownKey("tims".into())));
    assert_eq!(Fault::try_from(&json!({"status": [500]})), Err(BadFault::NotPlain));
    for misfit in [
        "status=99",
        "status",
        "redirect=307",
        "redirect=200,to=/",
        "token=odd",
        "drip=fast",
        "hang=1",
        "hang,times=some",
        "hang,probability=2",
        "hang,on=all",
        "delay=soon",
    ] {
        assert!(matches!(misfit.parse::<Fault>(), Err(BadFault::BadValue { .. })), "{misfit}");
    }
}
