// What a transaction body sees. A body is a coroutine of type TxTask<T> that takes one of
//
//   Tx&        one server's rows            (Statement)
//   GlobalTx&  tables of no server          (GlobalStatement)
//   CrossTx&   the cross-server door        (CrossServerStatement)
//
// and can await nothing but statements of that transaction and other TxTasks: no body can hold the
// writer across a network call. A body may run more than once (a busy database), so it changes
// nothing but its own locals; what it returns counts.
#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "store/statement.h"

namespace guildhall::store {

class Execution;

/// The database's side of a running transaction.
class TxDriver {
 public:
  virtual ~TxDriver() = default;
  /// True: done (or failed) at once. False: resumes the execution's continuation later.
  virtual bool start(Execution& execution) = 0;
  virtual std::size_t index_of(const void* key) const = 0;
  /// The body goes on with the answer, or with the error, of a statement.
  virtual void finished(const Execution&) {}
};

/// One statement on its way: awaited by the body, filled by the driver.
class Execution {
 public:
  Execution(TxDriver& driver, const void* key, std::vector<std::vector<Value>> calls, bool many = false)
      : statement(driver.index_of(key)), calls(std::move(calls)), many(many), driver_(&driver) {}
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;
  virtual ~Execution() = default;

  bool await_ready() { return driver_->start(*this); }
  void await_suspend(std::coroutine_handle<> waiting) { continuation = waiting; }

  /// For the database: one row of the answer.
  void row(const Cells& cells, const std::vector<int>& columns) {
    ++rows;
    take(cells, columns);
  }

  std::size_t statement;                  // index in the registry
  std::vector<std::vector<Value>> calls;  // parameter values, one list per run of the statement
  bool many;                              // whether it is a batch
  std::int64_t rows = 0;                  // of the answer
  std::int64_t changes = 0;               // rows inserted, updated or deleted
  std::exception_ptr error;
  std::coroutine_handle<> continuation;

 protected:
  virtual void take(const Cells& cells, const std::vector<int>& columns) = 0;
  void finish() const {
    driver_->finished(*this);
    if (error) std::rethrow_exception(error);
  }

 private:
  TxDriver* driver_;
};

template <class Row>
class [[nodiscard]] AllRows final : public Execution {
 public:
  using Execution::Execution;
  std::vector<Row> await_resume() {
    finish();
    return std::move(rows_);
  }

 private:
  void take(const Cells& cells, const std::vector<int>& columns) override {
    rows_.push_back(decode<Row>(cells, columns));
  }

  std::vector<Row> rows_;
};

template <class Row>
class [[nodiscard]] OneRow final : public Execution {
 public:
  using Execution::Execution;
  std::optional<Row> await_resume() {
    finish();
    return std::move(found_);
  }

 private:
  void take(const Cells& cells, const std::vector<int>& columns) override {
    if (found_) throw std::logic_error("a statement that answers one row answered two");
    found_ = decode<Row>(cells, columns);
  }

  std::optional<Row> found_;
};

class [[nodiscard]] ChangeCount final : public Execution {
 public:
  using Execution::Execution;
  std::int64_t await_resume() {
    finish();
    return changes;
  }

 private:
  void take(const Cells&, const std::vector<int>&) override {}
};

/// An answer whose types nobody knows: every column as text, NULL as nothing.
struct RawAnswer {
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::int64_t changes = 0;
};

class [[nodiscard]] RawRows final : public Execution {
 public:
  using Execution::Execution;
  RawAnswer await_resume() {
    finish();
    answer_.changes = changes;
    return std::move(answer_);
  }

 private:
  void take(const Cells& cells, const std::vector<int>&) override {
    auto& row = answer_.rows.emplace_back();
    for (int column = 0; column < cells.count(); ++column) {
      if (cells.is_null(column)) {
        row.emplace_back();
      } else {
        row.emplace_back(cells.text(column));
      }
    }
  }

  RawAnswer answer_;
};

template <class T = void>
class TxTask;

namespace detail {

template <class T>
struct IsTxTask : std::false_type {};
template <class T>
struct IsTxTask<TxTask<T>> : std::true_type {};

struct TxPromiseBase {
  std::coroutine_handle<> waiting;
  std::exception_ptr error;

  struct Final {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> done) noexcept {
      const auto next = done.promise().waiting;
      return next ? next : std::noop_coroutine();
    }
    void await_resume() noexcept {}
  };

  std::suspend_always initial_suspend() noexcept { return {}; }
  Final final_suspend() noexcept { return {}; }
  void unhandled_exception() { error = std::current_exception(); }

  // The wall: only statements and sub-bodies can be awaited.
  template <std::derived_from<Execution> E>
  E&& await_transform(E&& execution) {
    return std::forward<E>(execution);
  }
  template <class T>
  TxTask<T>&& await_transform(TxTask<T>&& task) {
    return std::move(task);
  }
};

template <class T>
struct TxPromise : TxPromiseBase {
  std::optional<T> value;
  TxTask<T> get_return_object();
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
};

template <>
struct TxPromise<void> : TxPromiseBase {
  TxTask<void> get_return_object();
  void return_void() {}
};

}  // namespace detail

/// A transaction body, or a part of one. Starts when awaited.
template <class T>
class [[nodiscard]] TxTask {
 public:
  using promise_type = detail::TxPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit TxTask(Handle handle) : handle_(handle) {}
  TxTask(TxTask&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  TxTask& operator=(TxTask&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~TxTask() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) {
    handle_.promise().waiting = waiting;
    return handle_;
  }
  T await_resume() { return take(); }

  /// For the database: starts the outermost body; `take` when `done`.
  void resume() { handle_.resume(); }
  bool done() const { return handle_.done(); }
  T take() {
    auto& promise = handle_.promise();
    if (promise.error) std::rethrow_exception(promise.error);
    if constexpr (!std::is_void_v<T>) return std::move(*promise.value);
  }

 private:
  Handle handle_;
};

template <class T>
TxTask<T> detail::TxPromise<T>::get_return_object() {
  return TxTask<T>(std::coroutine_handle<TxPromise<T>>::from_promise(*this));
}
inline TxTask<void> detail::TxPromise<void>::get_return_object() {
  return TxTask<void>(std::coroutine_handle<TxPromise<void>>::from_promise(*this));
}

/// The four ways to run a statement, for one kind of statement.
template <template <class, class> class Kind>
class TxOf {
 public:
  explicit TxOf(TxDriver& driver) : driver_(&driver) {}

  /// Every row of the answer.
  template <class P, class R>
  AllRows<R> all(const Kind<P, R>& statement, const std::type_identity_t<P>& params = {}) {
    return AllRows<R>(*driver_, &statement, single(params));
  }
  /// The only row, or nothing.
  template <class P, class R>
  OneRow<R> one(const Kind<P, R>& statement, const std::type_identity_t<P>& params = {}) {
    return OneRow<R>(*driver_, &statement, single(params));
  }
  /// How many rows changed.
  template <class P>
  ChangeCount change(const Kind<P, NoRow>& statement, const std::type_identity_t<P>& params = {}) {
    return ChangeCount(*driver_, &statement, single(params));
  }
  /// The statement once per element, in order; how many rows changed in all. PostgreSQL runs those that have
  /// a form for it (array_form in postgres/sql_text.h) for thousands of elements at once, the others once per
  /// element; all of it is one trip. A foreign key to a row of the same batch needs that row before.
  template <class P>
  ChangeCount batch(const Kind<P, NoRow>& statement, const std::vector<P>& rows) {
    std::vector<std::vector<Value>> calls;
    calls.reserve(rows.size());
    for (const P& row : rows) calls.push_back(encode(row));
    return ChangeCount(*driver_, &statement, std::move(calls), true);
  }
  /// A registered statement of this kind by its key (StatementInfo::key), with values as its parameters
  /// encode them, run as a batch of one if `many`: for what walks the registry and knows no types.
  RawRows raw(const void* key, std::vector<Value> values, bool many = false) {
    std::vector<std::vector<Value>> calls;
    calls.push_back(std::move(values));
    return RawRows(*driver_, key, std::move(calls), many);
  }

 private:
  template <class P>
  static std::vector<std::vector<Value>> single(const P& params) {
    std::vector<std::vector<Value>> calls;
    calls.push_back(encode(params));
    return calls;
  }

  TxDriver* driver_;
};

using Tx = TxOf<Statement>;
using GlobalTx = TxOf<GlobalStatement>;
using CrossTx = TxOf<CrossServerStatement>;

}  // namespace guildhall::store
