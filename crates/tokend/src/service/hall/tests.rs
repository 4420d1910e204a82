use std::future::pending;

use tokio::task::{JoinHandle, yield_now};

use super::*;

const LONG: Duration = Duration::from_secs(1000);

/// A caller of which it is the daemon's turn.
async fn caller(hall: &Hall, seats: usize) -> Arc<Seat> {
    Arc::new(hall.seat(seats).await.seat)
}

/// The same, doing nothing for ever.
fn keep(seat: &Arc<Seat>) -> JoinHandle<()> {
    let seat = Arc::clone(seat);
    tokio::spawn(async move { seat.keep(LONG, pending()).await })
}

async fn idle_caller(hall: &Hall, seats: usize) -> JoinHandle<()> {
    let stay = keep(&caller(hall, seats).await);
    yield_now().await;
    stay
}

#[tokio::test]
async fn nobody_leaves_while_there_is_a_free_seat() {
    let hall = Hall::default();
    let _first = idle_caller(&hall, 2).await;
    assert_eq!(hall.seat(2).await.shed, 0);
}

#[tokio::test]
async fn whoever_is_idle_the_longest_leaves_first() {
    let hall = Hall::default();
    let (first, second) = (idle_caller(&hall, 2).await, idle_caller(&hall, 2).await);
    let third = hall.seat(2).await;
    assert_eq!(third.shed, 1);
    first.await.unwrap();
    assert!(!second.is_finished());
    assert_eq!(hall.seat(2).await.shed, 1);
    second.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_just_came_has_a_moment_to_send_its_request() {
    let hall = Hall::default();
    let first = idle_caller(&hall, 1).await;
    let mut second = pin!(hall.seat(1));
    let nearly = GRACE - Duration::from_millis(2);
    assert!(time::timeout(nearly, &mut second).await.is_err());
    assert!(!first.is_finished());
    assert_eq!(second.await.shed, 1);
    first.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_sends_its_request_in_the_moment_in_which_it_would_have_to_leave_may_stay() {
    let hall = Hall::default();
    let first = caller(&hall, 1).await;
    let stay = keep(&first);
    yield_now().await;
    time::advance(GRACE * 2).await;
    let sends = Arc::clone(&first);
    drop(tokio::spawn(async move { sends.serve_caller() }));
    assert!(time::timeout(LONG, hall.seat(1)).await.is_err());
    assert!(!stay.is_finished());
}

#[tokio::test]
async fn a_request_makes_its_caller_the_youngest() {
    let hall = Hall::default();
    let busy = caller(&hall, 2).await;
    let (stays, leaves) = (keep(&busy), idle_caller(&hall, 2).await);
    busy.serve_caller();
    busy.await_caller();
    let _third = hall.seat(2).await;
    leaves.await.unwrap();
    assert!(!stays.is_finished());
}

#[tokio::test]
async fn whoever_waits_for_the_daemon_does_not_leave() {
    let hall = Hall::default();
    let (served, idle) = (caller(&hall, 2).await, idle_caller(&hall, 2).await);
    let _third = hall.seat(2).await;
    idle.await.unwrap();
    let mut fourth = pin!(hall.seat(2));
    assert!(time::timeout(GRACE * 5, &mut fourth).await.is_err());
    drop(served);
    assert_eq!(fourth.await.shed, 0);
}

#[tokio::test]
async fn one_leaves_for_each_who_comes() {
    let hall = Hall::default();
    let _crowd = [idle_caller(&hall, 3).await, idle_caller(&hall, 3).await, idle_caller(&hall, 3).await];
    for _ in 0..2 {
        let stay = hall.seat(3).await;
        assert_eq!(stay.shed, 1);
        drop(keep(&Arc::new(stay.seat)));
        yield_now().await;
    }
    assert_eq!(hall.book().taken, 3);
}

#[tokio::test]
async fn fewer_seats_make_several_leave() {
    let hall = Hall::default();
    let _crowd = [idle_caller(&hall, 3).await, idle_caller(&hall, 3).await, idle_caller(&hall, 3).await];
    let next = hall.seat(1).await;
    assert_eq!((next.shed, hall.book().taken), (3, 1));
}

#[tokio::test]
async fn whoever_was_told_to_leave_cannot_stay_by_asking_once_more() {
    let hall = Hall::default();
    let seat = caller(&hall, 1).await;
    let stay = keep(&seat);
    yield_now().await;
    assert!(hall.shed());
    seat.serve_caller();
    assert!(!seat.is_our_turn());
    stay.await.unwrap();
    drop(seat);
    let book = hall.book();
    assert_eq!((book.taken, book.leaving, book.idle.len()), (0, 0, 0));
}

#[tokio::test]
async fn some_seats_are_not_waited_in() {
    for (seats, waits) in [(8, 7), (64, 63), (65, 63), (1024, 1008)] {
        let hall = Hall::default();
        let seat = caller(&hall, seats).await;
        let waiting: Vec<_> = std::iter::from_fn(|| seat.wait()).collect();
        assert_eq!(waiting.len(), waits, "of {seats}");
        drop(waiting);
        assert!(seat.wait().is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_idle_too_long_leaves_and_who_waits_does_not() {
    let hall = Hall::default();
    let seat = caller(&hall, 1).await;
    seat.keep(LONG, time::sleep(LONG / 2)).await;
    let stays = async {
        seat.serve_caller();
        time::sleep(LONG * 2).await;
        seat.await_caller();
        time::sleep(LONG / 2).await;
        seat.serve_caller();
        seat.await_caller();
        time::sleep(LONG / 2 + Duration::from_secs(1)).await;
    };
    let mut stayed = false;
    seat.keep(LONG, async {
        stays.await;
        stayed = true;
    })
    .await;
    assert!(stayed);
    let mut stayed = false;
    seat.keep(LONG, async {
        time::sleep(LONG * 2).await;
        stayed = true;
    })
    .await;
    assert!(!stayed);
}
