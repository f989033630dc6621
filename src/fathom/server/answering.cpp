#include "fathom/server/answering.h"

#include <atomic>
#include <mutex>

#include "fathom/api/hosted_errors.h"
#include "fathom/base/error.h"
#include "fathom/server/answer_assembly.h"
#include "fathom/server/faults.h"
#include "fathom/server/finished_request.h"
#include "fathom/server/identifiers.h"
#include "fathom/server/preparation.h"

namespace fathom::server {
namespace {

class RunningAnswer final : public TokenSink, public std::enable_shared_from_this<RunningAnswer> {
 public:
  RunningAnswer(std::shared_ptr<Exchange> exchange, const AnsweringServices& services, AnsweringRequest request)
      : exchange_(std::move(exchange)), services_(services), request_(std::move(request)) {}

  void start();
  void on_progress(const PromptProgress& progress) override;
  void on_token(const TokenEvent& event) override;

 private:
  struct Arrival {
    TokenEvent event;
    Clock::time_point time;
  };

  // On a worker.
  void prepare_and_submit(const std::shared_ptr<const ReceivedBody>& body);
  api::ApiError api_error_of(const std::exception& fault) const {
    return as_api_error(fault, request_.record.trace_id, services_.log);
  }
  void go_on();
  Preparation preparation() const {
    const auto& pass = request_.visitor.pass;
    return {.policy = services_.policy,
            .owner = request_.visitor.account,
            .memory = &services_.answers,
            .context_tokens = pass == nullptr ? 0 : pass->context_tokens()};
  }
  // On the strand.
  void accepted();
  void refuse(const api::ApiError& error);
  void take_tokens();
  void assemble(const std::vector<Arrival>& arrivals);
  void keep();
  void ring();
  void log_reading(Clock::time_point now);
  void set_alarm();
  void send(std::string_view bytes, Clock::time_point born);
  void open(int status);
  void fail(const api::ApiError& error);
  void tell(const api::ApiError& error);
  void client_gone();
  // What was sampled and not told is not kept.
  void cancel();
  // `finish` is a literal.
  void end_with(std::string_view finish, std::function<void()> deliver);
  void tell_lost(const std::exception_ptr& fault);
  void over(std::string_view finish);

  const std::shared_ptr<Exchange> exchange_;
  const AnsweringServices& services_;
  AnsweringRequest request_;
  const Clock::time_point start_ = Clock::now();

  // The worker's until it posts accepted() or refuse(), then the strand's.
  api::Call call_;
  const HostedModel* model_ = nullptr;
  std::shared_ptr<const ReceivedBody> body_;  // where texts are kept; it holds its share of all bodies' memory
  std::string owner_;
  std::string id_;
  std::unique_ptr<AnswerAssembly> assembly_;
  SequenceId sequence_ = -1;
  Clock::time_point submitted_{};

  // Of the generator's thread and the strand.
  std::mutex mutex_;
  std::vector<Arrival> arrivals_;
  bool waking_ = false;
  std::atomic<bool> gone_{false};
  std::atomic<Clock::time_point> began_{Clock::time_point{}};
  std::atomic<std::int64_t> read_{0};   // of the prompt
  std::atomic<std::int64_t> found_{0};  // of that, in the cache
  std::int64_t taken_prompt_ = 0;       // tokens, of its account's limits

  // Of the strand.
  bool prepared_ = false;  // the worker is done
  bool accepted_ = false;  // by the generator
  bool opened_ = false;
  bool over_ = false;
  Clock::time_point last_said_{};
  Clock::time_point last_logged_{};  // how far the prompt is read
  Clock::time_point first_token_{};
  Clock::time_point last_token_{};
};

void RunningAnswer::start() {
  const auto self = shared_from_this();
  exchange_->on_gone([self] { self->client_gone(); });
  const auto body = std::make_shared<ReceivedBody>(exchange_->take_body());
  const auto prepare = [self, body] {
    self->services_.workers.run(std::ssize(body->bytes), [self, body] {
      if (!self->gone_) self->prepare_and_submit(body);
    });
  };
  if (services_.ledger == nullptr) return prepare();
  services_.ledger->when_writable([self, prepare](const std::exception_ptr& fault) {
    if (!fault) return prepare();
    const api::ApiError error = unrecorded(fault, self->request_.record.trace_id, self->services_.log);
    self->exchange_->post([self, error] { self->refuse(error); });
  });
}

void RunningAnswer::prepare_and_submit(const std::shared_ptr<const ReceivedBody>& body) {
  try {
    if (services_.texts != nullptr) body_ = body;
    call_ = request_.dialect->read(body->bytes, services_.policy, request_.context);
    const auto found = services_.models.find(call_.model);
    if (found == services_.models.end()) throw InternalError("[server] no model is loaded for {}", call_.model);
    model_ = &found->second;
    owner_ = request_.visitor.account + "/" + call_.user;
    id_ = draw_uuid();
    go_on();
    if (!request_.visitor.opens_model(call_.model)) throw api::no_permission(call_.model);
    PreparedCall prepared = prepare(call_, *model_, preparation());
    admit_prompt(request_.visitor, call_.model, std::ssize(prepared.request.prompt), request_.context.now);
    taken_prompt_ = std::ssize(prepared.request.prompt);
    const AnswerStart start{.in_thinking = prepared.in_thinking,
                            .constrained = prepared.request.constraint != nullptr,
                            .prompt_tokens = std::ssize(prepared.request.prompt)};
    assembly_ = std::make_unique<AnswerAssembly>(
        call_, *model_, start,
        request_.dialect->writer(
            call_,
            {.id = id_, .model = model_->id, .fingerprint = model_->fingerprint, .created = request_.context.now}));
    submitted_ = Clock::now();
    const auto taken = model_->generator->submit(std::move(prepared.request), shared_from_this());
    if (const auto* refusal = std::get_if<Refusal>(&taken)) throw as_api_error(*refusal);
    sequence_ = std::get<SequenceId>(taken);
    exchange_->post([self = shared_from_this()] { self->accepted(); });
  } catch (const std::exception& fault) {
    exchange_->post([self = shared_from_this(), error = api_error_of(fault)] { self->refuse(error); });
  }
}

// Of Responses: the turns before this request's own.
void RunningAnswer::go_on() {
  if (!call_.previous_response) return;
  const auto earlier = services_.responses.find(owner_, *call_.previous_response, Clock::now());
  if (!earlier) throw api::response_not_found(*call_.previous_response);
  api::continue_response(call_, *earlier);
}

// Before the client has the last byte, so that it may go on at once.
void RunningAnswer::keep() {
  remember_answer(call_, assembly_->told(id_), *model_->tokenizer, replay_of(call_, *model_, preparation()));
  if (call_.surface != api::Surface::responses || !call_.store) return;
  services_.responses.put(owner_, id_, api::stored_response(call_, assembly_->answer(), id_), Clock::now());
}

// On the generator's thread: note it and go.
void RunningAnswer::on_progress(const PromptProgress& progress) {
  found_ = progress.found;
  read_ = progress.read;
  if (began_.load() == Clock::time_point{}) began_ = Clock::now();
}

void RunningAnswer::on_token(const TokenEvent& event) {
  const auto now = Clock::now();
  {
    const std::scoped_lock lock(mutex_);
    arrivals_.push_back({event, now});
    if (std::exchange(waking_, true)) return;
  }
  exchange_->post([self = shared_from_this()] { self->take_tokens(); });
}

void RunningAnswer::accepted() {
  prepared_ = accepted_ = true;
  if (over_) return cancel();
  last_said_ = last_logged_ = Clock::now();
  if (!call_.agent_effort.empty()) request_.headers.push_back({"x-fathom-effort", call_.agent_effort});
  if (call_.stream) open(200);
  set_alarm();
  take_tokens();
}

void RunningAnswer::refuse(const api::ApiError& error) {
  if (over_) return;
  prepared_ = true;
  if (request_.visitor.pass != nullptr) request_.visitor.pass->give_back(taken_prompt_);
  request_.visitor.pass.reset();
  request_.record.error = error.what();
  request_.record.status = error.status();
  exchange_->respond(error_response(error, request_.anthropic, request_.headers));
  over(error.status() >= 500 ? "error" : "refused");
}

void RunningAnswer::take_tokens() {
  if (!accepted_) return;  // accepted() comes back for them
  std::vector<Arrival> arrivals;
  {
    const std::scoped_lock lock(mutex_);
    arrivals.swap(arrivals_);
    waking_ = false;
  }
  if (over_ || arrivals.empty()) return;
  try {
    assemble(arrivals);
  } catch (const std::exception& fault) {
    fail(api_error_of(fault));
  }
}

void RunningAnswer::assemble(const std::vector<Arrival>& arrivals) {
  std::string bytes;
  for (const Arrival& arrival : arrivals) {
    if (first_token_ != Clock::time_point{}) {
      services_.metrics.between_tokens(seconds_between(last_token_, arrival.time));
    } else if (arrival.event.finish != FinishReason::overloaded) {  // or no token has come
      first_token_ = arrival.time;
      if (began_.load() == Clock::time_point{}) began_ = arrival.time;
    }
    last_token_ = arrival.time;
    bytes += assembly_->push(arrival.event);
    if (!assembly_->over()) continue;
    if (arrival.event.finish == FinishReason::none) cancel();  // a stop string: the generator does not know
    break;
  }
  if (!assembly_->over()) return send(bytes, arrivals.front().time);
  keep();
  end_with(finish_name(assembly_->end_reason()), [this, bytes = std::move(bytes), born = arrivals.front().time] {
    if (opened_) {
      send(bytes, born);
      exchange_->end();
      return;
    }
    // Anthropic's clients know a full machine by its status alone.
    const bool busy = request_.anthropic && assembly_->end_reason() == api::EndReason::overloaded;
    request_.record.status = busy ? 503 : 200;
    HttpResponse response{.status = request_.record.status, .headers = request_.headers, .body = bytes};
    response.headers.push_back({"content-type", "application/json"});
    exchange_->respond(std::move(response));
  });
}

void RunningAnswer::open(int status) {
  opened_ = true;
  std::vector<HttpHeader> headers = request_.headers;
  headers.push_back({"content-type", call_.stream ? "text/event-stream" : "application/json"});
  headers.insert(headers.end(), {{"cache-control", "no-cache"}, {"x-accel-buffering", "no"}});
  exchange_->begin(status, std::move(headers));
}

void RunningAnswer::send(std::string_view bytes, Clock::time_point born) {
  if (bytes.empty()) return;
  last_said_ = Clock::now();
  exchange_->write(bytes, born);
}

void RunningAnswer::set_alarm() {
  auto next = std::min(last_said_ + services_.config.keep_alive, submitted_ + services_.config.answer_limit);
  if (began_.load() == Clock::time_point{}) next = std::min(next, submitted_ + services_.config.start_limit);
  if (first_token_ == Clock::time_point{}) next = std::min(next, last_logged_ + services_.config.progress);
  exchange_->alarm(next, [self = shared_from_this()] { self->ring(); });
}

void RunningAnswer::ring() {
  if (over_) return;
  const auto now = Clock::now();
  const auto waited = now - submitted_;
  const bool waits = began_.load() == Clock::time_point{};
  if (waited >= services_.config.answer_limit || (waits && waited >= services_.config.start_limit)) {
    cancel();
    return fail(api::too_busy(0.0));
  }
  if (now >= last_said_ + services_.config.keep_alive) {
    if (!opened_) open(200);
    // Without a stream the writer says nothing before its end: an empty line is what JSON readers skip.
    const std::string bytes = assembly_->keep_alive();
    send(bytes.empty() ? "\n" : bytes, {});
  }
  if (first_token_ == Clock::time_point{} && now >= last_logged_ + services_.config.progress) log_reading(now);
  set_alarm();
}

void RunningAnswer::log_reading(Clock::time_point now) {
  last_logged_ = now;
  if (began_.load() == Clock::time_point{}) return;  // it waits for its turn
  RequestRecord& record = request_.record;
  record.model = call_.model;
  record.prompt_tokens = assembly_->usage().prompt_tokens;
  record.seconds = seconds_between(start_, now);
  services_.log.reading(record, read_);
}

void RunningAnswer::fail(const api::ApiError& error) {
  cancel();
  request_.record.error = error.what();
  end_with("error", [this, error] { tell(error); });
}

void RunningAnswer::tell(const api::ApiError& error) {
  if (opened_) {
    exchange_->write(assembly_->fail(error));
    exchange_->end();
  } else {
    request_.record.status = error.status();
    exchange_->respond(error_response(error, request_.anthropic, request_.headers));
  }
}

void RunningAnswer::client_gone() {
  gone_ = true;
  if (over_) return;
  if (accepted_)  // its client may send back what it has
    remember_answer(call_, assembly_->told(id_), *model_->tokenizer, replay_of(call_, *model_, preparation()));
  cancel();
  end_with("gone", [] {});
}

void RunningAnswer::cancel() {
  if (!accepted_) return;
  model_->generator->cancel_behind(sequence_, std::ssize(told_ids(assembly_->told(id_), *model_->tokenizer)));
}

// Nothing more is taken from here on. The client has its last byte once the ledger has the request; if the ledger
// cannot have it, the client gets an error instead.
void RunningAnswer::end_with(std::string_view finish, std::function<void()> deliver) {
  over_ = true;
  std::shared_ptr<accounts::Gate::Pass>& pass = request_.visitor.pass;
  const bool answered = first_token_ != Clock::time_point{};
  const std::int64_t unread = answered || !accepted_ ? 0 : std::max<std::int64_t>(0, taken_prompt_ - read_);
  if (accepted_ && pass != nullptr) pass->take_answer(assembly_->usage().completion_tokens - unread);
  if (prepared_) pass.reset();  // before its client knows that it may ask again; earlier it is the worker's
  if (services_.ledger == nullptr || !accepted_) {
    deliver();
    return over(finish);
  }
  const RequestEnd end{.visitor = request_.visitor,
                       .record = request_.record,
                       .usage = assembly_->usage(),
                       .model = model_->id,
                       .finish = finish,
                       .at = request_.context.now,
                       .read = read_,
                       .found = found_,
                       .answered = answered,
                       .seconds = seconds_between(start_, Clock::now())};
  auto done = [self = shared_from_this(), finish, deliver = std::move(deliver)](const std::exception_ptr& fault) {
    self->exchange_->post([self, finish, deliver, fault] {
      fault ? self->tell_lost(fault) : deliver();
      self->over(fault ? "error" : finish);
    });
  };
  services_.ledger->record(finished_request(end), std::move(done));
}

void RunningAnswer::tell_lost(const std::exception_ptr& fault) {
  try {
    std::rethrow_exception(fault);
  } catch (const std::exception& error) {
    request_.record.error = error.what();
    tell(api_error_of(error));
  }
}

// The record is complete: what is known of the request goes to the log and the figures.
void RunningAnswer::over(std::string_view finish) {
  over_ = true;
  RequestRecord& record = request_.record;
  record.finish = finish;
  if (record.status == 0) record.status = 200;
  if (prepared_) {
    record.model = call_.model;
    record.stream = call_.stream;
  }
  if (accepted_) note_usage(record, assembly_->usage());
  note_times(record, {start_, prepared_ ? submitted_ : Clock::time_point{}, began_.load(), first_token_, last_token_});
  services_.metrics.request(record);
  services_.log.request(record);
  if (services_.texts == nullptr || !accepted_) return;
  const std::string answer = model_->tokenizer->decode(assembly_->told(id_).ids);
  services_.texts->put(stored_text(request_.visitor, record, request_.context.now, {body_->bytes, answer}));
}

}  // namespace

void answer_call(const std::shared_ptr<Exchange>& exchange, const AnsweringServices& services,
                 AnsweringRequest request) {
  std::make_shared<RunningAnswer>(exchange, services, std::move(request))->start();
}

}  // namespace fathom::server
